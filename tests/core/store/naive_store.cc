#include "tests/core/store/naive_store.h"

#include "core/model/label_text.h"
#include "core/store/series_text.h"

namespace sluice::store::testing {
namespace {

NaiveStore::Family family_of(const model::ShapeFamily& family, const model::Fragment& fragment) {
  NaiveStore::Family out;
  out.type = family.type;
  out.content = std::to_string(static_cast<int>(family.type));
  out.content += '|';
  out.content += family.has_help ? std::string(family.help) : "(none)";
  out.content += '|';
  out.content += fragment.text();
  for (uint32_t i = 0; i < fragment.header().series; ++i) {
    out.series.emplace(series_label_text(fragment, family.name, family.type, i));
  }
  return out;
}

// checkSuffixCollisions of the reference: the newcomer against what is there.
bool collides(const std::string& name, model::MetricType type, const std::map<std::string, model::MetricType>& seen) {
  using model::MetricType;
  const auto has = [&](const std::string& other) { return seen.contains(other); };
  std::string base;
  if (name.ends_with("_count")) base = name.substr(0, name.size() - 6);
  if (name.ends_with("_sum")) base = name.substr(0, name.size() - 4);
  if (name.ends_with("_bucket")) base = name.substr(0, name.size() - 7);
  if (!base.empty() && has(base)) {
    const MetricType other = seen.at(base);
    if (other == MetricType::kSummary && !name.ends_with("_bucket")) return true;
    if (other == MetricType::kHistogram) return true;
  }
  if (type == MetricType::kSummary || type == MetricType::kHistogram) {
    if (has(name + "_count") || has(name + "_sum")) return true;
  }
  return type == MetricType::kHistogram && has(name + "_bucket");
}

}  // namespace

std::string label_text_of(const model::GroupKey& key) {
  std::string text;
  model::append_label_text(text, key);
  return text;
}

bool NaiveStore::push(const Pushed& pushed, bool replace, int64_t wall_ns) {
  Groups next = groups_;
  Group& group = next[label_text_of(pushed.key)];
  if (replace) group.families.clear();
  for (const model::CanonicalFamily& family : pushed.push.families) {
    group.families[std::string(family.name)] =
        family_of({family.name, family.help, family.has_help, family.type}, pushed.push.fragment(family));
  }
  group.push_time_ns = wall_ns;
  if (!consistent(next)) return false;
  groups_ = std::move(next);
  return true;
}

void NaiveStore::fail(const model::GroupKey& key, int64_t wall_ns) {
  groups_[label_text_of(key)].push_failure_time_ns = wall_ns;
}

bool NaiveStore::erase(const model::GroupKey& key) { return groups_.erase(label_text_of(key)) != 0; }

bool NaiveStore::consistent(const Groups& groups) const {
  std::map<std::string, model::MetricType> seen = {{"push_time_seconds", model::MetricType::kGauge},
                                                   {"push_failure_time_seconds", model::MetricType::kGauge}};
  for (const OwnFamily& family : own_) seen.emplace(family.name, family.type);
  std::set<std::pair<std::string, std::string>> series;
  for (const auto& [key, group] : groups) {
    for (const auto& [name, family] : group.families) {
      const auto known = seen.find(name);
      if (known != seen.end()) {
        if (known->second != family.type) return false;
      } else {
        if (collides(name, family.type, seen)) return false;
        seen.emplace(name, family.type);
      }
      for (const std::string& labels : family.series) {
        if (!series.emplace(name, labels).second) return false;
      }
    }
  }
  return true;
}

NaiveStore::Groups groups_of(const Snapshot& snapshot) {
  NaiveStore::Groups groups;
  for (const Snapshot::Bucket& bucket : snapshot.buckets()) {
    for (const Snapshot::Chunk& chunk : bucket.chunks) {
      for (const model::Version* version : chunk) {
        NaiveStore::Group& group = groups[std::string(version->label_text())];
        group.push_time_ns = version->push_time_ns();
        group.push_failure_time_ns = version->push_failure_time_ns();
        for (size_t i = 0; i < bucket.shape->size(); ++i) {
          const model::ShapeFamily& family = bucket.shape->family(i);
          group.families.emplace(family.name, family_of(family, version->fragment(i)));
        }
      }
    }
  }
  return groups;
}

}  // namespace sluice::store::testing
