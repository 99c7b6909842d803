#include "tools/commands/export_groups.h"

#include <simdjson.h>

#include <algorithm>

#include "core/base/hash.h"
#include "core/model/protobuf_schema.h"
#include "parser/number.h"

namespace sluice::tools {
namespace {

using Type = model::ProtobufField::Type;

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// A varint at the front of `bytes`, which lose it. False when it is cut or too long.
bool take_varint(std::string_view& bytes, uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace

uint64_t ExportGroups::hash_of(std::string_view family, Labels& labels) {
  std::ranges::sort(labels);
  std::string bytes(family);
  for (const auto& [name, value] : labels) {
    bytes.push_back('\0');
    append_varint(bytes, name.size());
    bytes.append(name).append(value);
  }
  return keyed_hash(bytes);
}

Result<void, std::string> ExportGroups::read_list(std::string json) {
  namespace ondemand = simdjson::ondemand;
  json.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  ondemand::parser parser;
  try {
    ondemand::document document = parser.iterate(json);
    for (ondemand::object listed : document["data"].get_array()) {
      const auto index = static_cast<uint32_t>(groups_.size());
      ExportGroup& group = groups_.emplace_back();
      for (ondemand::field part : listed) {
        const std::string name(part.unescaped_key().value());
        if (part.value().type() != ondemand::json_type::object) continue;
        ondemand::object family = part.value().get_object();
        auto metrics = family.find_field("metrics");
        if (metrics.error() != simdjson::SUCCESS) continue;  // the labels, unless a family is called so
        const bool is_push = name == "push_time_seconds";
        const bool is_failure = name == "push_failure_time_seconds";
        for (ondemand::object metric : metrics.get_array()) {
          labels_.clear();
          for (ondemand::field label : metric["labels"].get_object()) {
            const std::string_view key = label.unescaped_key();
            labels_.emplace_back(key, label.value().get_string().value());
          }
          if (!is_push && !is_failure) {
            owner_.emplace(hash_of(name, labels_), index);
            continue;
          }
          double& time = is_push ? group.push_time : group.failure_time;
          time = std::stod(std::string(metric["value"].get_string().value()));
          if (is_failure) continue;
          std::ranges::sort(labels_);
          for (const auto& [key, value] : labels_) {
            if (key != "instance" || !value.empty()) group.labels.emplace_back(key, value);
          }
        }
      }
    }
  } catch (const std::exception& error) {
    return std::unexpected(std::string("its /api/v1/metrics cannot be read: ") + error.what());
  }
  return {};
}

Result<void, std::string> ExportGroups::read_scrape(std::string_view scrape) {
  while (!scrape.empty()) {
    uint64_t bytes = 0;
    if (!take_varint(scrape, bytes) || bytes > scrape.size()) return std::unexpected("its scrape is cut off");
    if (auto read = read_family(scrape.substr(0, bytes)); !read) return read;
    scrape.remove_prefix(bytes);
  }
  return {};
}

// Name, help and type go into the message of each group that has the family.
Result<void, std::string> ExportGroups::read_family(std::string_view message) {
  std::string_view name;
  std::string head;
  std::string_view rest = message;
  for (std::string_view before = rest;; before = rest) {
    model::WireField field;
    if (!model::next_field(rest, field)) break;
    const std::string_view bytes = before.substr(0, before.size() - rest.size());
    if (field.field() == 1 && field.is_of(Type::kString)) name = field.bytes;
    if (field.field() == 4 && field.is_of(Type::kMessage)) {
      if (name != "push_time_seconds" && name != "push_failure_time_seconds") deal_out(name, field.bytes, bytes);
    } else {
      head.append(bytes);
    }
  }
  if (!rest.empty()) return std::unexpected("its scrape is no protobuf");
  for (const auto& [index, metrics] : metrics_) {
    std::string& body = groups_[index].body;
    append_varint(body, head.size() + metrics.size());
    body.append(head).append(metrics);
  }
  metrics_.clear();
  return {};
}

// `field` is `metric` with its tag and length.
void ExportGroups::deal_out(std::string_view name, std::string_view metric, std::string_view field) {
  labels_.clear();
  bool has_job = false;
  for (model::WireField part; model::next_field(metric, part);) {
    if (part.field() != 1 || !part.is_of(Type::kMessage)) continue;
    auto& [key, value] = labels_.emplace_back();
    for (model::WireField text; model::next_field(part.bytes, text);) {
      if (text.field() == 1) key = text.bytes;
      if (text.field() == 2) value = text.bytes;
    }
    has_job |= key == "job";
  }
  const auto owner = owner_.find(hash_of(name, labels_));
  if (owner == owner_.end()) {
    if (has_job) ++unknown_;  // the gateway's own series have none
    return;
  }
  ++series_;
  metrics_[owner->second].append(field);
}

}  // namespace sluice::tools
