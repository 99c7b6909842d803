#include "tests/core/store/testing.h"

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/unique_number.h"
#include "parser/canonical.h"
#include "parser/names.h"
#include "parser/simd/kernel.h"
#include "parser/text_fast.h"
#include "parser/text_parser.h"

namespace sluice::store::testing {
namespace {

// A name for the push's list of families, as a template of the parser gives it; none for a quarter of them.
uint64_t list_of(const model::CanonicalPush& push, std::string_view body) {
  static std::mutex mutex;
  static std::map<std::string, uint64_t> lists;
  if (body.size() % 4 == 0) return 0;
  std::string text;
  for (const model::CanonicalFamily& family : push.families) {
    for (const std::string_view part : {family.name, family.help})
      text += std::to_string(part.size()) + ":" + std::string(part);
    text += family.has_help ? "h" : "-";
    text += std::to_string(static_cast<int>(family.type));
  }
  const std::scoped_lock lock(mutex);
  return lists.try_emplace(text, unique_number()).first->second;
}

// The skeleton of bodies that differ in digits only, made when one comes again; none while another push has it.
std::shared_ptr<parser::Skeleton> skeleton_of(std::string_view body) {
  thread_local std::map<std::string, std::shared_ptr<parser::Skeleton>, std::less<>> skeletons;
  thread_local parser::FastTextParser fast_parser(parser::simd::active_kernel());
  std::string shape(body);
  std::erase_if(shape, [](char c) { return c >= '0' && c <= '9'; });
  const auto [at, added] = skeletons.try_emplace(shape);
  if (added) return nullptr;
  if (at->second == nullptr) {
    at->second = std::make_shared<parser::Skeleton>();
    if (!at->second->make(body, fast_parser)) at->second = nullptr;
  }
  return at->second.use_count() == 1 ? at->second : nullptr;
}

}  // namespace

model::GroupKey key_of(const Labels& labels) {
  std::vector<model::LabelPair> pairs;
  for (const auto& [name, value] : labels) pairs.push_back({name, value});
  return model::GroupKey::from_labels(std::move(pairs));
}

Pushed::Pushed(const Labels& labels, std::string_view text) : body(text), key(key_of(labels)) {
  thread_local parser::TextParser text_parser;
  thread_local parser::Canonicaliser canonicaliser;
  text_parser.start(body, parser::NameScheme::kUtf8, families);
  for (;;) {
    const auto step = text_parser.step(Deadline::never());
    SLUICE_CHECK(step != parser::TextParser::Step::kError);
    if (step == parser::TextParser::Step::kDone) break;
  }
  canonicaliser.begin(families, key, push);
  for (;;) {
    const auto state = canonicaliser.step(Deadline::never());
    if (state == parser::Canonicaliser::State::kMore) continue;
    if (state == parser::Canonicaliser::State::kConflict) conflict = canonicaliser.conflict();
    break;
  }
  push.list = list_of(push, body);
  if (conflict) return;
  skeleton = skeleton_of(body);
  if (skeleton == nullptr || !skeleton->match(body)) return;
  thread_local parser::SkeletonText::Scratch scratch;
  model::CanonicalPush written;
  if (!skeleton->write_canonical(key, written, scratch)) return;
  SLUICE_CHECK(written.used_bytes == push.used_bytes);
  SLUICE_CHECK(std::memcmp(written.bytes(), push.bytes(), push.used_bytes) == 0);
  push = std::move(written);
}

Contents contents_of(const Snapshot& snapshot) {
  Contents contents;
  size_t groups = 0;
  for (const Snapshot::Bucket& bucket : snapshot.buckets()) {
    size_t in_bucket = 0;
    for (const Snapshot::Chunk& chunk : bucket.chunks) {
      SLUICE_CHECK(!chunk.empty());
      for (const model::Version* version : chunk) {
        SLUICE_CHECK(&version->shape() == bucket.shape);
        SLUICE_CHECK(version->stamp() <= snapshot.bound());
        GroupContent content;
        content.push_time_ns = version->push_time_ns();
        content.push_failure_time_ns = version->push_failure_time_ns();
        content.stamp = version->stamp();
        for (size_t i = 0; i < bucket.shape->size(); ++i) {
          const model::ShapeFamily& family = bucket.shape->family(i);
          std::string value = std::to_string(static_cast<int>(family.type));
          value += '|';
          value += family.has_help ? std::string(family.help) : "(none)";
          value += '|';
          value += version->fragment(i).text();
          content.families.emplace(family.name, std::move(value));
        }
        SLUICE_CHECK(contents.emplace(version->label_text(), std::move(content)).second);  // each group once
        ++in_bucket;
      }
    }
    SLUICE_CHECK(in_bucket == bucket.groups);
    groups += in_bucket;
  }
  SLUICE_CHECK(groups == snapshot.groups());
  return contents;
}

PushResult Client::push(const Labels& labels, std::string_view text, bool replace, int64_t wall_ns) {
  const Pushed pushed(labels, text);
  SLUICE_CHECK(!pushed.conflict);
  PushOp op;
  op.start(writer_, pushed.request(replace, wall_ns));
  finish(op, writer_);
  return op.result();
}

PushResult Client::fail(const Labels& labels, int64_t wall_ns) {
  const model::GroupKey key = key_of(labels);
  PushOp op;
  op.start_fail(writer_, key, wall_ns);
  finish(op, writer_);
  return op.result();
}

EraseResult Client::erase(const Labels& labels) { return erase_group(writer_, key_of(labels)); }

uint64_t Client::wipe() {
  WipeOp op;
  op.start(writer_);
  finish(op, writer_);
  return op.groups();
}

SnapshotRef Client::snapshot() {
  SnapshotRequest request;
  request.start(writer_);
  finish(request, writer_);
  return request.take();
}

Contents Client::contents() {
  const SnapshotRef ref = snapshot();
  return contents_of(*ref);
}

void Client::settle() {
  for (int i = 0; i < 8; ++i) writer_.quiescent();
}

std::string sample_of(const Contents& contents, const std::string& group, const std::string& family) {
  const auto found = contents.find(group);
  if (found == contents.end()) return {};
  const auto line = found->second.families.find(family);
  if (line == found->second.families.end()) return {};
  const size_t space = line->second.rfind(' ');
  return line->second.substr(space + 1, line->second.size() - space - 2);
}

}  // namespace sluice::store::testing
