// A source whose text is known: for tests of what is made of the bytes of a scrape. And what gzip says of the result.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/render/snapshot_source.h"

namespace sluice::render::testing {

// Text by place, in ascending order.
using Places = std::vector<std::pair<uint32_t, std::string>>;

// Hands out the texts in pieces of random lengths, sometimes none. `places` must outlive it; `on_read` is called first.
class TextSource final : public SnapshotSource {
 public:
  TextSource(const Places& places, uint64_t seed, std::function<void()> on_read = {})
      : places_(places), on_read_(std::move(on_read)), random_(seed) {}

  State produce(char* out, size_t capacity, size_t& used, Deadline) override {
    if (on_read_) on_read_();
    used = 0;
    if (next_ == places_.size() && rest_.empty()) return State::kDone;
    if (rest_.empty() && place_ != places_[next_].first) {
      place_ = places_[next_].first;
      return State::kMore;
    }
    if (rest_.empty()) rest_ = places_[next_++].second;
    used = std::min({capacity, rest_.size(), random_() % 3 == 0 ? random_() % 50 : capacity});
    rest_.copy(out, used);
    rest_.remove_prefix(used);
    if (!rest_.empty()) return State::kMore;
    // The end, or the next place, is told together with the last bytes or alone, as it comes.
    if (random_() % 2 == 0) return State::kMore;
    if (next_ == places_.size()) return State::kDone;
    place_ = places_[next_].first;
    return State::kMore;
  }
  [[nodiscard]] uint64_t left_out() const noexcept override { return 3; }
  [[nodiscard]] uint32_t place() const noexcept override { return place_; }
  [[nodiscard]] bool left_to_own() const noexcept override { return false; }

 private:
  const Places& places_;
  std::function<void()> on_read_;
  std::mt19937_64 random_;
  size_t next_ = 0;
  std::string_view rest_;
  uint32_t place_ = 0;
};

// Inflates exactly one member that fills all of `data`; fails the test otherwise.
[[nodiscard]] std::string inflate_one(std::string_view data);

// Lines as a scrape has them.
[[nodiscard]] std::string metrics_text(size_t series, uint64_t seed = 1);

// All of a source, in pieces of random sizes, every other one with no time.
template <typename Source>
std::string read_all(Source& source, uint64_t seed, size_t capacity_max) {
  std::mt19937_64 random(seed);
  std::string out;
  std::vector<char> buffer(capacity_max);
  for (auto state = ByteSource::State::kMore; state == ByteSource::State::kMore;) {
    size_t used = 0;
    state = source.produce(buffer.data(), 1 + random() % capacity_max, used,
                           random() % 2 == 0 ? Deadline{0} : Deadline::never());
    out.append(buffer.data(), used);
  }
  return out;
}

}  // namespace sluice::render::testing
