// The comment lines of FastTextParser.
#include <algorithm>
#include <cstring>

#include "parser/text_fast.h"

namespace sluice::parser {
namespace {

using model::MetricType;

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// The spellings that client libraries use; false for anything else, which is the exact parser's.
bool common_type(std::string_view text, MetricType& out) {
  if (text == "gauge") {
    out = MetricType::kGauge;
  } else if (text == "counter") {
    out = MetricType::kCounter;
  } else if (text == "histogram") {
    out = MetricType::kHistogram;
  } else if (text == "summary") {
    out = MetricType::kSummary;
  } else if (text == "untyped") {
    out = MetricType::kUntyped;
  } else {
    return false;
  }
  return true;
}

}  // namespace

// `# HELP name text`, `# TYPE name type`, or any other comment, which means nothing.
bool FastTextParser::parse_comment(Cursor& cursor) {
  const uint16_t* entry = cursor.next;
  while (cursor.window[*entry] != '\n') ++entry;
  const char* const line_end = cursor.window + *entry;
  const char* at = std::find_if_not(cursor.at + 1, line_end, is_blank);
  const std::string_view text(at, static_cast<size_t>(line_end - at));
  const bool help = text.starts_with("HELP");
  if ((help || text.starts_with("TYPE")) && (text.size() == 4 || is_blank(text[4]))) {
    cursor.at = std::find_if_not(at + 4, line_end, is_blank);
    // A keyword alone means nothing either.
    if (cursor.at != line_end) {
      const MetricName* const name = parse_name(cursor);
      if (name == nullptr || !is_blank(*cursor.at)) return false;
      cursor.at = std::find_if_not(cursor.at, line_end, is_blank);
      // A name without text makes the family known and says nothing of it.
      if (cursor.at != line_end) {
        const bool accepted =
            help ? parse_help(cursor, name->family, line_end) : parse_type(cursor, name->family, line_end);
        if (!accepted) return false;
      }
    }
  }
  cursor.at = line_end + 1;
  cursor.next = entry + 1;
  return true;
}

bool FastTextParser::parse_help(const Cursor& cursor, uint32_t family, const char* line_end) {
  model::Family& target = out_->families[family];
  if (target.has_help) return false;
  const char* from = cursor.at;
  if (std::memchr(from, '\\', static_cast<size_t>(line_end - from)) == nullptr) {
    target.help = cursor.view(from, line_end);
  } else {
    char* const out = out_->arena.allocate(static_cast<size_t>(line_end - from));
    size_t bytes = 0;
    for (; from != line_end; ++from) {
      if (*from != '\\') {
        out[bytes++] = *from;
        continue;
      }
      ++from;
      if (*from != '\\' && *from != 'n' && *from != '"') return false;
      out[bytes++] = *from == 'n' ? '\n' : *from;
    }
    target.help = {out, bytes};
  }
  target.has_help = true;
  return true;
}

bool FastTextParser::parse_type(const Cursor& cursor, uint32_t family, const char* line_end) {
  if (names_.type_known(family)) return false;
  const std::string_view text(cursor.at, static_cast<size_t>(line_end - cursor.at));
  MetricType type = MetricType::kUntyped;
  if (!common_type(text, type)) return false;
  names_.set_type(family, type);
  return true;
}

}  // namespace sluice::parser
