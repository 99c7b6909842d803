#include "parser/native_buckets.h"

#include "parser/json_write.h"

namespace sluice::parser {

namespace {

constexpr uint32_t kWorkPerStep = 64;

// Sums wrap as Go's do.
int32_t add(int32_t a, int32_t b) noexcept {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}
int64_t add(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

}  // namespace

void NativeBuckets::clear() {
  negative.clear();
  positive.clear();
  schema = 0;
  zero_threshold = 0;
  zero_count = 0;
  zero_count_float = 0;
}

void NativeBuckets::start(bool floats) {
  floats_ = floats;
  first_ = true;
  negatives_.clear();
  phase_ = schema > kNativeSchemaMax || schema == -53 ? Phase::kDone : Phase::kReadNegative;
  begin_side(negative);
}

bool NativeBuckets::step(std::string& out) {
  uint32_t work = kWorkPerStep;
  Bucket bucket;
  switch (phase_) {
    case Phase::kReadNegative:
      while (next(bucket, work)) {
        if (!bucket.empty(floats_)) negatives_.push_back(bucket);
      }
      if (work != 0) phase_ = Phase::kNegative;
      break;
    case Phase::kNegative:
      for (; !negatives_.empty() && work != 0; --work) {
        write(out, negatives_.back(), false);
        negatives_.pop_back();
      }
      if (negatives_.empty()) phase_ = Phase::kZero;
      break;
    case Phase::kZero:
      bucket.count = static_cast<int64_t>(zero_count);
      bucket.count_float = zero_count_float;
      if (!bucket.empty(floats_)) write_entry(out, 3, -zero_threshold, zero_threshold, bucket);
      begin_side(positive);
      phase_ = Phase::kPositive;
      break;
    case Phase::kPositive:
      while (next(bucket, work)) {
        if (!bucket.empty(floats_)) write(out, bucket, true);
      }
      if (work != 0) phase_ = Phase::kDone;
      break;
    case Phase::kDone:
      break;
  }
  return phase_ == Phase::kDone;
}

void NativeBuckets::begin_side(const Side& side) {
  side_ = &side;
  span_ = 0;
  in_span_ = 0;
  bucket_ = 0;
  current_ = {};
  moved_ = false;
}

bool NativeBuckets::next(Bucket& bucket, uint32_t& work) {
  const size_t buckets = floats_ ? side_->counts.size() : side_->deltas.size();
  if (bucket_ == buckets || span_ == side_->spans.size()) return false;
  if (!moved_) current_.index = bucket_ == 0 ? side_->spans[0].offset : add(current_.index, 1);
  moved_ = true;
  while (in_span_ >= side_->spans[span_].length) {
    if (work == 0) return false;
    --work;
    in_span_ = 0;
    if (++span_ == side_->spans.size()) return false;
    current_.index = add(current_.index, side_->spans[span_].offset);
  }
  if (work == 0) return false;
  --work;
  if (floats_) {
    current_.count_float = side_->counts[bucket_];
  } else {
    current_.count = add(current_.count, side_->deltas[bucket_]);
  }
  ++in_span_;
  ++bucket_;
  moved_ = false;
  bucket = current_;
  return true;
}

void NativeBuckets::write(std::string& out, const Bucket& bucket, bool positive_side) {
  const double far = native_bound(bucket.index, schema);
  const double near = native_bound(add(bucket.index, -1), schema);
  const double lower = positive_side ? near : -far;
  const double upper = positive_side ? far : -near;
  // 0: open on the left, 1: open on the right, 2: open, 3: closed.
  const bool lower_inclusive = lower < 0;
  const bool upper_inclusive = upper > 0;
  const int boundaries = lower_inclusive ? (upper_inclusive ? 3 : 1) : (upper_inclusive ? 0 : 2);
  write_entry(out, boundaries, lower, upper, bucket);
}

void NativeBuckets::write_entry(std::string& out, int boundaries, double lower, double upper, const Bucket& bucket) {
  out += first_ ? "[" : ",[";
  first_ = false;
  append_json_uint(out, static_cast<uint64_t>(boundaries));
  out += ",\"";
  append_json_float(out, lower);
  out += "\",\"";
  append_json_float(out, upper);
  out += "\",\"";
  if (floats_) {
    append_json_float(out, bucket.count_float);
  } else {
    append_json_uint(out, static_cast<uint64_t>(bucket.count));
  }
  out += "\"]";
}

}  // namespace sluice::parser
