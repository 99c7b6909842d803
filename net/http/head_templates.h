// The head templates of one worker: fields of heads that its clients repeat, whichever connection they come on.
//
// find() looks for the template of a head; learn() is told of every head that had none and was well-formed, and may
// make one of it. What find() says is the verdict that the whole parser would give (head_template.h), so it does not
// matter for any answer what the table holds.
//
// Templates come from strangers. A head without one pays for the comparison: with at most kLooksMax templates, which
// have its first bytes and more in common with it. The one that matched is then looked at earlier, and one that is
// looked at again and again in vain is dropped. A template is made of a head that was seen before, and only if enough
// heads have passed since the last one: twice as many each time that one is dropped which was of no use, or that a head
// is not fit for one. The names of that head's fields are remembered, so that the next of them keeps nobody waiting.
//
// Owner: the worker; one thread. Memory: 24 KiB at most.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/base/limits.h"
#include "net/http/head_template.h"

namespace sluice::net::http {

class HeadTemplates {
 public:
  HeadTemplates() = default;
  HeadTemplates(const HeadTemplates&) = delete;
  HeadTemplates& operator=(const HeadTemplates&) = delete;

  // The template that `bytes` begin with, nullptr without one; valid until the next call of either function. `bytes`:
  // what lies behind the CRLF of the request line.
  [[nodiscard]] const HeadTemplate* find(std::string_view bytes, HeadTemplate::Match& match) noexcept;
  // `head` had no template and is well-formed; its first line has `line_bytes` bytes. `request` and `framing` are the
  // verdict, with views into `head`.
  void learn(std::string_view head, size_t line_bytes, const RequestLine& line, const Request& request,
             const Framing& framing);

 private:
  static constexpr uint32_t kSlots = limits::kHeadTemplatesPerWorker;
  static constexpr uint32_t kSeen = 32;
  static constexpr uint32_t kLooksMax = 4;

  struct Slot {
    std::unique_ptr<HeadTemplate> fields;
    bool used = false;    // since the hand passed
    uint32_t hits = 0;    // since it was made, saturating
    uint32_t misses = 0;  // looks since the last hit

    [[nodiscard]] const HeadTemplate* hit() noexcept;
  };

  // The last distinct ones of some numbers.
  struct Recent {
    // Whether it is one of them; from now on, yes.
    [[nodiscard]] bool note(uint32_t number) noexcept;
    [[nodiscard]] bool has(uint32_t number) const noexcept;

    std::array<uint32_t, kSeen> numbers{};
    uint32_t at = 0;
  };

  [[nodiscard]] const HeadTemplate* find_other(std::string_view bytes, HeadTemplate::Match& match) noexcept;
  void drop(uint32_t index) noexcept;
  void miss(uint32_t index) noexcept;
  [[nodiscard]] uint32_t victim() noexcept;
  void put(uint32_t key, std::unique_ptr<HeadTemplate> fields) noexcept;
  void wait_longer() noexcept;

  std::array<uint32_t, kSlots> keys_{};  // of slots; 0 for none
  std::array<Slot, kSlots> slots_;
  uint32_t last_ = 0;  // the slot that matched last
  uint32_t hand_ = 0;
  uint32_t wait_ = 0;  // heads until the next template may be made
  uint32_t wait_next_ = 0;
  Recent seen_;   // heads without a template
  Recent unfit_;  // names of fields of heads that are not fit for one
};

}  // namespace sluice::net::http
