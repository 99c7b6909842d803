#include "net/api/restore.h"

#include <algorithm>
#include <span>
#include <utility>

#include "net/api/push.h"
#include "net/api/stored_family.h"
#include "parser/text_exact.h"

namespace sluice::net::api {

Restore::Restore(store::Writer& writer, bool check)
    : writer_(writer), check_(check), scratch_(std::make_unique<PushScratch>()) {}

Restore::~Restore() = default;

Result<void, std::string> Restore::group(const wal::StoredGroup& group) {
  // The labels are those of a sample with any name.
  text_.assign("x{").append(group.label_text).append("} 0\n");
  if (const auto parsed = parse_text(text_); !parsed) return parsed;
  const auto& labels = scratch_->families.labels;
  key_ = model::GroupKey::from_labels({labels.begin(), labels.end()});
  by_time_ = group.families;
  std::ranges::stable_sort(by_time_, {}, &wal::StoredFamily::push_time_ns);
  Result<void, std::string> result;
  const auto keep = [&result](Result<void, std::string> next) {
    if (result && !next) result = std::move(next);
  };
  // The last push sets the group's push time; an empty one when the newest family is not of that time.
  int64_t pushed_ns = 0;
  for (auto run = by_time_.cbegin(); run != by_time_.cend();) {
    pushed_ns = run->push_time_ns;
    const auto end = std::find_if(run, by_time_.cend(), [&](const auto& f) { return f.push_time_ns != pushed_ns; });
    keep(push({run, end}, group.label_text, pushed_ns));
    run = end;
  }
  if (group.push_time_ns != pushed_ns) keep(push({}, group.label_text, group.push_time_ns));
  if (group.push_failure_time_ns != 0) fail(group.push_failure_time_ns);
  return result;
}

Result<void, std::string> Restore::push(FamilyRun families, std::string_view label_text, int64_t push_time_ns) {
  text_.clear();
  records_.clear();
  for (const wal::StoredFamily& family : families) {
    if (family.record.empty()) {
      append_stored_text(text_, family, key_, label_text);
    } else {
      append_stored_record(records_, family);
    }
  }
  if (!text_.empty() || records_.empty()) {
    if (auto pushed = push_text(push_time_ns); !pushed) return pushed;
  }
  if (records_.empty()) return {};
  scratch_->protobuf_parser.start(records_, scratch_->families, !check_);
  if (scratch_->protobuf_parser.step(Deadline::never()) != parser::ProtobufParser::Step::kDone) {
    return std::unexpected(scratch_->protobuf_parser.error());
  }
  return push_parsed(scratch_->families, push_time_ns);
}

// As PushState does it: what was restored before but for its numbers is compared, the rest is parsed.
Result<void, std::string> Restore::push_text(int64_t push_time_ns) {
  if (parser::SkeletonLoan skeleton = skeletons_.find(text_)) {
    if (skeletons_.write_canonical(skeleton, key_, scratch_->push)) {
      return store(skeleton->families_without_numbers(), push_time_ns);
    }
    return push_parsed(skeleton->families(), push_time_ns);
  }
  if (auto parsed = parse_text(text_); !parsed) return parsed;
  auto pushed = push_parsed(scratch_->families, push_time_ns);
  if (pushed && !scratch_->text_parser.used_exact()) skeletons_.learn(text_);
  return pushed;
}

Result<void, std::string> Restore::parse_text(std::string_view body) {
  // Names are quoted where they need it, so both name schemes read them the same.
  scratch_->text_parser.start(body, parser::NameScheme::kUtf8, scratch_->families);
  if (scratch_->text_parser.step(Deadline::never()) == parser::TextParser::Step::kDone) return {};
  return std::unexpected(scratch_->text_parser.error().text);
}

Result<void, std::string> Restore::push_parsed(const model::Families& parsed, int64_t push_time_ns) {
  scratch_->canonicaliser.begin(parsed, key_, scratch_->push, check_);
  if (scratch_->canonicaliser.step(Deadline::never()) != parser::Canonicaliser::State::kDone) {
    return std::unexpected("its metrics are inconsistent");
  }
  return store(parsed, push_time_ns);
}

Result<void, std::string> Restore::store(const model::Families& parsed, int64_t push_time_ns) {
  scratch_->op.start(writer_, {key_, parsed, scratch_->push, false, push_time_ns, &limits::kLargest});
  finish();
  const store::PushResult& result = scratch_->op.result();
  if (result.status == store::PushStatus::kOk) return {};
  if (!result.limit) return std::unexpected("it is inconsistent with another group");
  return std::unexpected("beyond the limit of " + std::string(limits::entry_of(*result.limit).name));
}

void Restore::fail(int64_t push_failure_time_ns) {
  scratch_->op.start_fail(writer_, key_, push_failure_time_ns, &limits::kLargest);
  finish();
}

void Restore::finish() {
  while (scratch_->op.step(Deadline::never()) != store::StepResult::kDone) writer_.quiescent();
  writer_.quiescent();
}

}  // namespace sluice::net::api
