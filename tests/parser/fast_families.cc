#include "tests/parser/fast_families.h"

#include <bit>
#include <cmath>
#include <cstdint>

namespace sluice::parser::test {
namespace {

void append(std::string& out, std::string_view name, uint64_t number) {
  out += name;
  out += std::to_string(number);
}

void append_bits(std::string& out, std::string_view name, double number) {
  if (std::isnan(number)) {
    out += name;
    out += "NaN";
  } else {
    append(out, name, std::bit_cast<uint64_t>(number));
  }
}

// Length first, so that no bytes of a text can look like what follows it.
void append_text(std::string& out, std::string_view name, std::string_view text) {
  append(out, name, text.size());
  out += ':';
  out += text;
}

void describe_metric(std::string& out, const model::Families& families, const model::Metric& metric) {
  append_bits(out, "  metric value=", metric.value);
  append_bits(out, " sum=", metric.sum);
  append_bits(out, " count_float=", metric.count_float);
  append(out, " count=", metric.count);
  append(out, " timestamp=", static_cast<uint64_t>(metric.timestamp_ms));
  append(out, " fields=", metric.fields);
  append_text(out, " text=", metric.value_text);
  append_text(out, " exact=", metric.exact);
  append(out, " labels=", metric.labels_count);
  append(out, " points=", metric.points_count);
  out += '\n';
  for (uint32_t k = 0; k < metric.labels_count; ++k) {
    const model::LabelPair& label = families.labels[metric.labels_begin + k];
    append_text(out, "    label ", label.name);
    append_text(out, "=", label.value);
    out += '\n';
  }
  for (uint32_t k = metric.points_first; k != model::kNone; k = families.points[k].next) {
    append_bits(out, "    point bound=", families.points[k].bound);
    append_bits(out, " value=", families.points[k].value);
    append(out, " count=", families.points[k].count);
    out += '\n';
  }
}

}  // namespace

std::string describe(const model::Families& families) {
  std::string out;
  for (uint32_t index = 0; index < families.families.size(); ++index) {
    const model::Family& family = families.families[index];
    append_text(out, "family ", family.name);
    append_text(out, " help=", family.help);
    append(out, " has_help=", family.has_help ? 1 : 0);
    append(out, " type=", static_cast<uint64_t>(family.type));
    append(out, " metrics=", family.metrics_count);
    out += '\n';
    for (uint32_t k = family.metrics_first; k != model::kNone; k = families.metrics[k].next) {
      if (families.metrics[k].family != index) out += "  WRONG FAMILY\n";
      describe_metric(out, families, families.metrics[k]);
    }
  }
  return out;
}

}  // namespace sluice::parser::test
