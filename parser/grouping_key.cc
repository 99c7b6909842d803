#include "parser/grouping_key.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "core/base/limits.h"
#include "parser/quote.h"

namespace sluice::parser {
namespace {

constexpr std::string_view kBase64Suffix = "@base64";
constexpr std::string_view kReservedPrefix = "__";

constexpr uint8_t kNoDigit = 0xff;
constexpr std::array<uint8_t, 256> make_digits() {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return digits;
}
constexpr std::array<uint8_t, 256> kDigits = make_digits();

std::string_view without_padding(std::string_view text) {
  const size_t last = text.find_last_not_of('=');
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

std::string base64_error(size_t at) { return ": illegal base64 data at input byte " + std::to_string(at); }

// Labels in the order of the path; as few as nearly all keys have need no memory of their own.
class Labels {
 public:
  void push_back(const model::LabelPair& label) {
    if (count_ < kFew) {
      std::construct_at(&few_.labels[count_++], label);
      return;
    }
    if (many_.empty()) many_.assign(few_.labels, few_.labels + kFew);
    many_.push_back(label);
    ++count_;
  }
  [[nodiscard]] size_t size() const noexcept { return count_; }
  [[nodiscard]] std::span<model::LabelPair> all() noexcept {
    return many_.empty() ? std::span(few_.labels, count_) : std::span(many_);
  }
  // Memory for a text that had to be made.
  [[nodiscard]] std::string& make_text() { return made_.emplace_front(); }

 private:
  static constexpr size_t kFew = 8;
  static_assert(std::is_trivially_destructible_v<model::LabelPair>);

  union Few {
    Few() noexcept {}
    model::LabelPair labels[kFew];  // the first count_ are there; the others are not even zeroed
  };

  Few few_;
  size_t count_ = 0;
  std::vector<model::LabelPair> many_;  // all of them, once they are more than few
  std::forward_list<std::string> made_;
};

// Adds one pair of the path; an error text, or empty.
std::string add_pair(std::string_view name, std::string_view value, NameScheme scheme, Labels& out) {
  const bool is_base64 = name.ends_with(kBase64Suffix);
  if (is_base64) name.remove_suffix(kBase64Suffix.size());
  std::string_view real_name = name;
  if (scheme == NameScheme::kUtf8 && is_escaped_name(name)) real_name = out.make_text() = unescape_name(name);
  if (!is_valid_label_name(real_name, scheme) || name.starts_with(kReservedPrefix) ||
      real_name.starts_with(kReservedPrefix)) {
    return "improper label name " + go_quoted(name);
  }
  if (is_base64) {
    std::string& decoded = out.make_text();
    const Base64Result result = decode_base64_url(without_padding(value), decoded);
    if (!result.ok) {
      return "invalid base64 encoding for label " + std::string(name) + "=" + go_quoted(value) +
             base64_error(result.error_at);
    }
    value = decoded;
  }
  out.push_back({real_name, value});
  return {};
}

// What is wrong with the number of components, whatever they are; an error text, or empty.
std::string count_error(std::string_view labels) {
  const auto components = static_cast<size_t>(std::ranges::count(labels, '/'));
  if (components % 2 != 0) return "odd number of components in label string " + go_quoted(labels);
  if (components / 2 + 1 > limits::kLabelsPerKeyMax) {
    return "more than " + std::to_string(limits::kLabelsPerKeyMax) + " labels in the grouping key";
  }
  return {};
}

// Splits `/name/value/name/value`; an error text, or empty.
std::string split_labels(std::string_view labels, NameScheme scheme, Labels& out) {
  if (labels.size() <= 1) return {};
  for (size_t at = 1; at <= labels.size();) {
    const size_t name_end = std::min(labels.find('/', at), labels.size());
    if (name_end == labels.size() || out.size() + 1 == limits::kLabelsPerKeyMax) return count_error(labels);
    const size_t value_end = std::min(labels.find('/', name_end + 1), labels.size());
    const std::string_view name = labels.substr(at, name_end - at);
    const std::string_view value = labels.substr(name_end + 1, value_end - name_end - 1);
    if (std::string error = add_pair(name, value, scheme, out); !error.empty()) {
      // The number of components comes before what they are.
      std::string earlier = count_error(labels);
      return earlier.empty() ? error : earlier;
    }
    at = value_end + 1;
  }
  return {};
}

}  // namespace

Result<model::GroupKey, std::string> parse_grouping_key(std::string_view key_path, bool job_is_base64,
                                                        NameScheme scheme) {
  const size_t slash = key_path.find('/');
  std::string_view job = key_path.substr(0, slash);
  Labels labels;
  if (job_is_base64) {
    std::string& decoded = labels.make_text();
    const Base64Result result = decode_base64_url(without_padding(job), decoded);
    if (!result.ok) {
      return Unexpected<std::string>("invalid base64 encoding in job name " + go_quoted(decoded) +
                                     base64_error(result.error_at));
    }
    job = decoded;
  }
  if (slash != std::string_view::npos) {
    std::string error = split_labels(key_path.substr(slash), scheme, labels);
    if (!error.empty()) return Unexpected<std::string>(std::move(error));
  }
  if (job.empty()) return Unexpected<std::string>("job name is required");
  labels.push_back({"job", job});  // the last one, so it wins
  return model::GroupKey::from_label_span(labels.all());
}

Base64Result decode_base64_url(std::string_view text, std::string& out) {
  out.clear();
  uint32_t bits = 0;
  size_t digits = 0;  // of the current group of four
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || text[i] == '\r') continue;
    const uint8_t digit = kDigits[static_cast<unsigned char>(text[i])];
    if (digit == kNoDigit) return {false, i};
    bits = bits << 6 | digit;
    if (++digits == 4) {
      out += static_cast<char>(bits >> 16);
      out += static_cast<char>(bits >> 8);
      out += static_cast<char>(bits);
      bits = 0;
      digits = 0;
    }
  }
  if (digits == 1) return {false, text.size() - 1};
  if (digits >= 2) out += static_cast<char>(bits >> (digits == 2 ? 4 : 10));
  if (digits == 3) out += static_cast<char>(bits >> 2);
  return {};
}

}  // namespace sluice::parser
