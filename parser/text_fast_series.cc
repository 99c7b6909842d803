#include "parser/text_fast_series.h"

#include <algorithm>

#include "core/base/hash.h"
#include "parser/text_fast_name.h"

namespace sluice::parser {
namespace {

// A sum over the labels, so that their order does not matter. Names and values are hashed with the process's secret and
// combined by a multiplication that is not symmetric, so swapping values between names gives another hash.
uint64_t hash_labels(const model::LabelPair* labels, uint32_t count, uint32_t family) {
  uint64_t hash = (uint64_t{family} + 1) * 0x9e3779b97f4a7c15;
  for (uint32_t k = 0; k < count; ++k) {
    const uint64_t pair = keyed_hash(labels[k].name) * 0xd6e8feb86659fd93 + keyed_hash(labels[k].value);
    hash += (pair ^ (pair >> 32)) * 0xa0761d6478bd642f;
  }
  return hash ^ (hash >> 32);
}

// Names are nearly always the very same bytes: LabelNames hands out one view for all lines that repeat a name.
bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.data() == b.data() || equal_bytes(a.data(), b.data(), a.size()));
}

}  // namespace

bool SeriesTable::same_labels_in_order(const model::Metric& metric, uint32_t begin, uint32_t count) const {
  if (metric.labels_count != count) return false;
  const model::LabelPair* mine = families_->labels.data() + metric.labels_begin;
  const model::LabelPair* other = families_->labels.data() + begin;
  for (uint32_t k = 0; k < count; ++k) {
    if (!equal(mine[k].value, other[k].value) || !equal(mine[k].name, other[k].name)) return false;
  }
  return true;
}

// At most LabelNames::kMax labels, so comparing each with each is bounded.
bool SeriesTable::same_labels(const model::Metric& metric, uint32_t begin, uint32_t count) const {
  if (same_labels_in_order(metric, begin, count)) return true;
  if (metric.labels_count != count) return false;
  const model::LabelPair* mine = families_->labels.data() + metric.labels_begin;
  const model::LabelPair* other = families_->labels.data() + begin;
  return std::all_of(mine, mine + count, [&](const model::LabelPair& label) {
    return std::any_of(other, other + count, [&](const model::LabelPair& candidate) {
      return candidate.name == label.name && candidate.value == label.value;
    });
  });
}

uint32_t SeriesTable::find_or_add(uint32_t family, uint32_t labels_begin) {
  const auto count = static_cast<uint32_t>(families_->labels.size()) - labels_begin;
  if (last_ != model::kNone && families_->metrics[last_].family == family &&
      same_labels_in_order(families_->metrics[last_], labels_begin, count)) {
    families_->labels.resize(labels_begin);
    return last_;
  }
  const uint64_t hash = hash_labels(families_->labels.data() + labels_begin, count, family);
  last_ = by_labels_.find(hash, [&](uint32_t index) {
    return families_->metrics[index].family == family && same_labels(families_->metrics[index], labels_begin, count);
  });
  if (last_ != model::kNone) {
    families_->labels.resize(labels_begin);
    return last_;
  }
  last_ = append_metric(*families_, family, labels_begin);
  by_labels_.insert(hash, last_);
  return last_;
}

}  // namespace sluice::parser
