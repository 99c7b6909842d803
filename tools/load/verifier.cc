#include "tools/load/verifier.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace sluice::tools::load {

Verifier::Verifier(const Body& body, const GroupNames& names, const std::vector<const Groups*>& threads)
    : body_(body), names_(names), threads_(threads), words_per_group_((body.series().size() + 63) / 64) {
  size_t total = 0;
  for (const Groups* groups : threads_) {
    first_.push_back(total);
    total += groups->size();
  }
  seen_.resize(total);
  bits_.resize(total * words_per_group_);
}

void Verifier::feed(std::string_view bytes) {
  while (true) {
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    if (rest_.empty()) {
      line(bytes.substr(0, end));
    } else {
      rest_.append(bytes.substr(0, end));
      line(rest_);
      rest_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
  rest_.append(bytes);
}

void Verifier::line(std::string_view text) {
  if (!split_sample(text, sample_)) return;
  if (label_of(sample_, "job") != names_.job()) {
    ++verdict_.other_series;
    return;
  }
  const std::string_view instance = label_of(sample_, "instance");
  const auto number = GroupNames::number_in(instance);
  if (!number) {
    violation(fmt::format("{{instance=\"{}\",job=\"{}\"}}", instance, names_.job()),
              fmt::format("{} belongs to a group that was never pushed", sample_.name));
    return;
  }
  const GroupNames::Place place = names_.place_of(*number);
  const Groups& groups = *threads_[place.thread];
  const uint32_t generation = groups.generation(place.slot);
  if (place.generation < generation) {
    violation(*number, fmt::format("{} is still there although the group's DELETE was acknowledged", sample_.name));
  } else if (place.generation > generation || groups.allowed(place.slot).untouched) {
    violation(*number, fmt::format("{} belongs to a group that was never pushed", sample_.name));
  } else {
    series_of(*number, place);
  }
}

void Verifier::series_of(uint64_t group, GroupNames::Place place) {
  const size_t index = first_[place.thread] + place.slot;
  Seen& seen = seen_[index];
  if (sample_.name == "push_time_seconds" || sample_.name == "push_failure_time_seconds") {
    const uint8_t bit = sample_.name == "push_time_seconds" ? 1 : 2;
    if ((seen.push_times & bit) != 0) violation(group, fmt::format("{} is there twice", sample_.name));
    seen.push_times |= bit;
    return;
  }
  identity_of(sample_, identity_);
  const int64_t series = body_.find(identity_);
  if (series < 0) {
    violation(group, fmt::format("{} was never pushed", identity_));
    return;
  }
  if (!set_bit(index, static_cast<size_t>(series))) {
    violation(group, fmt::format("{} is there twice", identity_));
    return;
  }
  ++verdict_.series;
  ++seen.series;
  value_of(group, seen, body_.series()[static_cast<size_t>(series)]);
}

void Verifier::value_of(uint64_t group, Seen& seen, const ExpectedSeries& expected) {
  if (!expected.carries_sequence) {
    const bool same = sample_.value == expected.offset || (std::isnan(sample_.value) && std::isnan(expected.offset));
    if (!same) violation(group, fmt::format("{} shows {}, which was never sent", identity_, sample_.value));
    return;
  }
  const double exact = sample_.value - expected.offset;
  const double rounded = std::round(exact);
  if (!(std::abs(exact - rounded) < 1e-3) || rounded < 1 || rounded > UINT32_MAX) {
    violation(group, fmt::format("{} shows {}, which was never sent", identity_, sample_.value));
    return;
  }
  const auto sequence = static_cast<uint32_t>(rounded);
  if (seen.sequence == 0) seen.sequence = sequence;
  if (seen.sequence == sequence) return;
  violation(group,
            fmt::format("{} comes from push {}, others of the group from push {}", identity_, sequence, seen.sequence));
}

Verdict Verifier::finish() {
  if (!rest_.empty()) line(std::exchange(rest_, {}));
  for (uint32_t thread = 0; thread < threads_.size(); ++thread) {
    const Groups& groups = *threads_[thread];
    for (uint64_t slot = 0; slot < groups.size(); ++slot) {
      const GroupNames::Place place{thread, slot, groups.generation(slot)};
      check_group(names_.number_of(place), place);
    }
  }
  return std::move(verdict_);
}

void Verifier::check_group(uint64_t group, GroupNames::Place place) {
  const size_t index = first_[place.thread] + place.slot;
  const Seen& seen = seen_[index];
  const Allowed allowed = threads_[place.thread]->allowed(place.slot);
  if (seen.series == 0) {
    if (!allowed.absent) {
      violation(group, fmt::format("push {} was acknowledged and the group is not there", allowed.floor));
    }
    return;
  }
  ++verdict_.groups;
  if (seen.series < body_.series().size()) {
    size_t missing = 0;
    while ((bits_[index * words_per_group_ + missing / 64] >> (missing % 64) & 1) != 0) ++missing;
    violation(group, fmt::format("{} is missing, {} of {} series are there", body_.series()[missing].identity,
                                 seen.series, body_.series().size()));
  }
  if (seen.push_times != 3) {
    violation(group, fmt::format("{} is missing",
                                 (seen.push_times & 1) == 0 ? "push_time_seconds" : "push_failure_time_seconds"));
  }
  if (seen.sequence != 0 && seen.sequence < allowed.floor) {
    violation(group, fmt::format("push {} is stored although push {} was acknowledged", seen.sequence, allowed.floor));
  }
  if (seen.sequence > allowed.sent) {
    violation(group, fmt::format("push {} is stored and only {} were sent", seen.sequence, allowed.sent));
  }
}

void Verifier::violation(std::string group, std::string what) {
  if (verdict_.violations.size() < kViolationsKept) verdict_.violations.push_back({std::move(group), std::move(what)});
  ++verdict_.violations_total;
}

bool Verifier::set_bit(size_t index, size_t series) {
  uint64_t& word = bits_[index * words_per_group_ + series / 64];
  const uint64_t bit = uint64_t{1} << (series % 64);
  const bool fresh = (word & bit) == 0;
  word |= bit;
  return fresh;
}

}  // namespace sluice::tools::load
