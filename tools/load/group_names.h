// The names of a run's groups, and the way back from a name to the thread and slot that pushed it.
//
// Groups are dealt to the threads in turn, so that no group belongs to two. Immutable after construction, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::tools::load {

class GroupNames {
 public:
  struct Place {
    uint32_t thread = 0;
    uint64_t slot = 0;
    uint32_t generation = 0;
  };

  // `groups` >= `threads` > 0.
  GroupNames(std::string job, uint64_t groups, uint32_t threads)
      : job_(std::move(job)), groups_(groups), threads_(threads) {}

  [[nodiscard]] const std::string& job() const noexcept { return job_; }
  // Slots of a thread.
  [[nodiscard]] uint64_t groups_of(uint32_t thread) const noexcept {
    return (groups_ - thread + threads_ - 1) / threads_;
  }
  // The number in the name of the instance: unique over threads and generations.
  [[nodiscard]] uint64_t number_of(Place place) const noexcept {
    return (place.generation * groups_of(place.thread) + place.slot) * threads_ + place.thread;
  }
  [[nodiscard]] Place place_of(uint64_t number) const noexcept {
    const auto thread = static_cast<uint32_t>(number % threads_);
    const uint64_t local = number / threads_;
    return {thread, local % groups_of(thread), static_cast<uint32_t>(local / groups_of(thread))};
  }

  // "host-7" and back; nothing for a label that this run cannot have sent.
  static constexpr std::string_view kPrefix = "host-";
  [[nodiscard]] static std::optional<uint64_t> number_in(std::string_view instance) noexcept;
  // As a gateway's list of groups shows it.
  [[nodiscard]] std::string group_text(uint64_t number) const;

 private:
  std::string job_;
  uint64_t groups_;
  uint32_t threads_;
};

}  // namespace sluice::tools::load
