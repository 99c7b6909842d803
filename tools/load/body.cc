#include "tools/load/body.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>

#include "core/base/go_float.h"
#include "core/model/families.h"
#include "parser/text_exact.h"
#include "parser/text_parser.h"
#include "parser/text_write.h"
#include "tools/load/protobuf_body.h"
#include "tools/load/sample_line.h"

namespace sluice::tools::load {

namespace {

constexpr std::string_view kHoleBegin = "{{seq";
constexpr std::string_view kHoleEnd = "}}";

Result<void, std::string> parse(std::string_view text, model::Families& families) {
  parser::TextParser parser;
  parser.start(text, parser::NameScheme::kUtf8, families);
  parser::TextParser::Step step;
  while ((step = parser.step(Deadline::never())) == parser::TextParser::Step::kMore) {
  }
  if (step == parser::TextParser::Step::kDone) return {};
  return std::unexpected(fmt::format("the body cannot be pushed: {}", parser.error().text));
}

// The samples of a body as lines of a gateway's scrape, less the grouping labels.
void collect(const model::Families& families, std::vector<ExpectedSeries>& out) {
  std::string text;
  parser::append_text(text, families);
  SampleLine sample;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (split_sample(std::string_view(text).substr(at, end - at), sample)) {
      sort_labels(sample);
      ExpectedSeries& series = out.emplace_back();
      identity_of(sample, series.identity);
      series.offset = sample.value;
    }
    at = end + 1;
  }
}

}  // namespace

Result<Body, std::string> Body::make(std::string_view text, BodyFormat format) {
  auto body = compile(text);
  if (!body) return body;
  if (auto learned = body->learn_series(); !learned) return std::unexpected(learned.error());
  if (format == BodyFormat::kProtobuf) {
    if (auto became = body->become_protobuf(); !became) return std::unexpected(became.error());
  }
  return body;
}

Result<Body, std::string> Body::compile(std::string_view text) {
  Body body;
  while (true) {
    const size_t begin = text.find(kHoleBegin);
    const size_t end = begin == std::string_view::npos ? begin : text.find(kHoleEnd, begin);
    if (end == std::string_view::npos) break;
    body.literal_.append(text.substr(0, begin));
    Hole hole{body.literal_.size(), 0, 0};
    const std::string_view inside = text.substr(begin + kHoleBegin.size(), end - begin - kHoleBegin.size());
    if (!inside.empty()) {
      const auto [rest, status] = std::from_chars(inside.data() + 1, inside.data() + inside.size(), hole.add);
      if (inside[0] != '+' || status != std::errc() || rest != inside.data() + inside.size()) {
        return std::unexpected(fmt::format("'{{{{seq{}}}}}' is not {{{{seq}}}} or {{{{seq+N}}}}", inside));
      }
    }
    body.holes_.push_back(hole);
    text.remove_prefix(end + kHoleEnd.size());
  }
  body.literal_.append(text);
  return body;
}

// The text for two sequence numbers says which values carry one, and what is added to it.
Result<void, std::string> Body::learn_series() {
  std::string first_text;
  std::string second_text;
  append(first_text, 1);
  append(second_text, 2);
  model::Families families;
  if (auto parsed = parse(first_text, families); !parsed) return parsed;
  if (families.families.empty()) return std::unexpected("the body has no samples");
  first_family_ = families.families[0].name;
  collect(families, series_);
  std::vector<ExpectedSeries> second;
  if (auto parsed = parse(second_text, families); !parsed) return parsed;
  collect(families, second);
  if (series_.empty() || second.size() != series_.size()) return std::unexpected("the body has no samples");
  for (size_t i = 0; i < series_.size(); ++i) {
    ExpectedSeries& series = series_[i];
    if (series.identity != second[i].identity) return std::unexpected("only values may hold {{seq}}");
    series.carries_sequence = std::abs(second[i].offset - series.offset - 1) < 1e-6;
    if (series.carries_sequence) series.offset -= 1;
    if (!by_identity_.emplace(series.identity, static_cast<uint32_t>(i)).second) {
      return std::unexpected(fmt::format("the body has the series {} twice", series.identity));
    }
  }
  return {};
}

Result<void, std::string> Body::become_protobuf() {
  std::string text;
  append(text, 1);
  model::Families families;
  if (auto parsed = parse(text, families); !parsed) return parsed;
  auto encoded = encode_protobuf(families);
  if (!encoded) return std::unexpected(encoded.error());
  format_ = BodyFormat::kProtobuf;
  holes_.clear();
  literal_.clear();
  // Plain series come out of the encoder in the order in which they stand in series_.
  size_t from = 0;
  for (size_t i = 0; i < encoded->value_at.size(); ++i) {
    const size_t at = encoded->value_at[i];
    literal_.append(encoded->bytes, from, at - from);
    from = at + sizeof(double);
    if (series_[i].carries_sequence) {
      holes_.push_back({literal_.size(), 0, series_[i].offset});
    } else {
      literal_.append(encoded->bytes, at, sizeof(double));
    }
  }
  literal_.append(encoded->bytes, from);
  return {};
}

void Body::append(std::string& out, uint64_t sequence) const {
  char digits[kUint64BytesMax];
  uint64_t shown = 0;
  size_t length = 0;
  size_t from = 0;
  for (const Hole& hole : holes_) {
    out.append(literal_, from, hole.at - from);
    from = hole.at;
    if (format_ == BodyFormat::kProtobuf) {
      const double value = static_cast<double>(sequence) + hole.offset;
      std::memcpy(digits, &value, sizeof(value));
      out.append(digits, sizeof(value));
      continue;
    }
    if (length == 0 || shown != sequence + hole.add) {
      shown = sequence + hole.add;
      length = format_uint64(shown, digits);
    }
    out.append(digits, length);
  }
  out.append(literal_, from);
}

std::string_view Body::content_type() const noexcept {
  return format_ == BodyFormat::kText
             ? "text/plain; version=0.0.4; charset=utf-8"
             : "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
}

int64_t Body::find(const std::string& identity) const {
  const auto found = by_identity_.find(identity);
  return found == by_identity_.end() ? -1 : static_cast<int64_t>(found->second);
}

}  // namespace sluice::tools::load
