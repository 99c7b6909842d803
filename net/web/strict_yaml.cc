#include "net/web/strict_yaml.h"

#include <yaml-cpp/depthguard.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/base/hash.h"
#include "core/base/utf8.h"
#include "net/web/yaml_scalar.h"

namespace sluice::net::web {
namespace {

// Merges in merges: real files have one.
constexpr int kMergeDepthMax = 16;

bool is_quoted(const YAML::Node& node) { return node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str"; }

Scalar scalar_of(const YAML::Node& node) {
  if (node.IsNull()) return {.kind = Scalar::Kind::kNull};
  return is_quoted(node) ? Scalar{} : resolve_plain(node.Scalar());
}

bool is_null(const YAML::Node& node) { return node.IsNull(); }

int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

bool is_merge(const YAML::Node& key) { return key.IsScalar() && key.Scalar() == "<<" && !is_quoted(key); }

std::string key_text(const YAML::Node& key) { return key.IsScalar() ? key.Scalar() : std::string(); }

// As Go's scanner: no control bytes but tab and line ends.
bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
  });
}

// A frequent mistake, for which Go has a sentence and the library has many.
bool is_indented_by_tab(std::string_view text, int line) {
  for (; line > 0; --line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  const size_t first = text.find_first_not_of(' ');
  return first != std::string_view::npos && text[first] == '\t';
}

// Go's sentence where there is one.
std::string sentence_of(const YAML::ParserException& error, std::string_view text) {
  if (is_indented_by_tab(text, error.mark.line)) return "found character that cannot start any token";
  return error.msg == YAML::ErrorMsg::EOF_IN_SCALAR ? "found unexpected end of stream" : error.msg;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    if (!point.valid) return false;
    text.remove_prefix(point.bytes);
  }
  return true;
}

}  // namespace

Result<YAML::Node, std::string> StrictYaml::load(std::string_view text) {
  if (has_control(text)) return std::unexpected("yaml: control characters are not allowed");
  if (!is_valid_utf8(text)) return std::unexpected("yaml: invalid leading UTF-8 octet");
  std::string input(text);
  // A quoted scalar that never ends is noticed by yaml-cpp unless a line end, or one and blanks, is the last of it.
  const size_t last = text.find_last_not_of(" \t");
  const bool ends_in_blanks = last != std::string_view::npos && last + 1 != text.size() && text[last] == '\n';
  if (text.ends_with('\n')) input += '#';
  try {
    // Behind blanks a comment could be text of a block scalar, so what is read here only shows the error.
    if (ends_in_blanks) static_cast<void>(YAML::Load(input + "\n#"));
    return YAML::Load(input);
  } catch (const YAML::DeepRecursion&) {
    return std::unexpected("yaml: nested too deeply");
  } catch (const YAML::ParserException& error) {
    return std::unexpected("yaml: line " + std::to_string(error.mark.line + 1) + ": " + sentence_of(error, text));
  } catch (const std::exception& error) {
    return std::unexpected(std::string("yaml: ") + error.what());
  }
}

void StrictYaml::mistake(const YAML::Node& node, const std::string& what) {
  mistakes_.push_back("line " + std::to_string(line_of(node)) + ": " + what);
}

void StrictYaml::cannot(const YAML::Node& node, std::string_view type) {
  std::string what = "cannot unmarshal ";
  if (node.IsSequence()) {
    what += "!!seq";
  } else if (node.IsMap()) {
    what += "!!map";
  } else {
    const std::string text = node.IsNull() ? std::string() : node.Scalar();
    what += tag_of(scalar_of(node).kind);
    what += text.size() > 10 ? " `" + text.substr(0, 7) + "...`" : " `" + text + "`";
  }
  mistake(node, what + " into " + std::string(type));
}

void StrictYaml::structure(const YAML::Node& node, std::string_view type, std::initializer_list<Field> fields) {
  structure_at(node, type, fields, 0);
}

void StrictYaml::structure_at(const YAML::Node& node, std::string_view type, std::initializer_list<Field> fields,
                              int depth) {
  if (refused_) return;
  if (!node.IsMap() || depth > kMergeDepthMax) {
    cannot(node, type);
    return;
  }
  std::vector<std::string_view> done;
  for (const auto& entry : node) {
    if (refused_) return;
    const YAML::Node& key = entry.first;
    if (is_merge(key)) {
      structure_at(entry.second, type, fields, depth + 1);
      continue;
    }
    const std::string name = key_text(key);
    const auto* const field = std::ranges::find(fields, std::string_view(name), &Field::name);
    if (field == fields.end()) {
      mistake(key, "field " + name + " not found in type " + std::string(type));
    } else if (std::ranges::find(done, field->name) != done.end()) {
      mistake(key, "field " + name + " already set in type " + std::string(type));
    } else {
      done.push_back(field->name);
      if (is_null(entry.second)) {
        field->clear();
      } else {
        field->read(entry.second);
      }
    }
  }
}

void StrictYaml::text(const YAML::Node& node, std::string& out, std::string_view type) {
  if (node.IsScalar()) {
    out = node.Scalar();
  } else if (node.IsNull()) {
    out.clear();
  } else {
    cannot(node, type);
  }
}

void StrictYaml::boolean(const YAML::Node& node, bool& out) {
  const Scalar scalar = node.IsScalar() ? scalar_of(node) : Scalar{};
  if (scalar.kind == Scalar::Kind::kBool) {
    out = scalar.boolean;
  } else {
    cannot(node, "bool");
  }
}

void StrictYaml::integer(const YAML::Node& node, int64_t& out) {
  const Scalar scalar = node.IsScalar() ? scalar_of(node) : Scalar{};
  if (scalar.kind == Scalar::Kind::kInt) {
    out = scalar.integer;
  } else if (scalar.kind == Scalar::Kind::kFloat && std::abs(scalar.number) < 9.2e18) {
    out = static_cast<int64_t>(scalar.number);
  } else {
    cannot(node, "int");
  }
}

void StrictYaml::duration(const YAML::Node& node, int64_t& out_ns) {
  const Scalar scalar = node.IsScalar() ? scalar_of(node) : Scalar{};
  if (scalar.kind == Scalar::Kind::kInt) {
    out_ns = scalar.integer;
    return;
  }
  if (scalar.kind == Scalar::Kind::kFloat && std::abs(scalar.number) < 9.2e18) {
    out_ns = static_cast<int64_t>(scalar.number);
    return;
  }
  const auto parsed =
      node.IsScalar() && scalar.kind == Scalar::Kind::kText ? parse_duration(node.Scalar()) : std::nullopt;
  if (parsed) {
    out_ns = *parsed;
  } else {
    cannot(node, "time.Duration");
  }
}

void StrictYaml::list(const YAML::Node& node, std::string_view type, const Read& each) {
  if (!node.IsSequence()) {
    cannot(node, type);
    return;
  }
  for (const YAML::Node& item : node) {
    if (!refused_) each(item);
  }
}

void StrictYaml::text_map(const YAML::Node& node, std::string_view type, TextMap& out) {
  if (!node.IsMap()) {
    cannot(node, type);
    return;
  }
  out.clear();
  map_at(node, out, 0);
}

void StrictYaml::map_at(const YAML::Node& node, TextMap& out, int depth) {
  TextMap merged;
  std::unordered_set<std::string, KeyedHash> seen;
  for (const auto& entry : node) {
    const YAML::Node& key = entry.first;
    if (is_merge(key)) {
      if (!entry.second.IsMap() || depth > kMergeDepthMax) {
        cannot(entry.second, "map");
      } else {
        map_at(entry.second, merged, depth + 1);
      }
      continue;
    }
    std::string name;
    std::string value;
    text(key, name);
    text(entry.second, value);
    if (!seen.insert(name).second) {
      mistake(key, "key \"" + name + "\" already set in map");
    } else {
      out.emplace_back(std::move(name), std::move(value));
    }
  }
  for (auto& [name, value] : merged) {
    if (seen.insert(name).second) out.emplace_back(std::move(name), std::move(value));
  }
}

void StrictYaml::refuse(std::string sentence) {
  if (!refused_) refused_ = std::move(sentence);
}

Result<void, std::string> StrictYaml::result() const {
  if (refused_) return std::unexpected(*refused_);
  if (mistakes_.empty()) return {};
  std::string all = "yaml: unmarshal errors:";
  for (const std::string& mistake : mistakes_) all += "\n  " + mistake;
  return std::unexpected(all);
}

}  // namespace sluice::net::web
