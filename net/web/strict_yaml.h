// Reads a YAML tree the way Go's yaml.v2 does in strict mode: YAML 1.1 scalars, no unknown or repeated keys, every
// mistake listed with its line and Go's name of the type that was wanted.
//
// A reader goes through a document once. Mistakes are collected; refuse() ends the reading, what comes behind it is
// passed over.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace sluice::net::web {

class StrictYaml {
 public:
  using Read = std::function<void(const YAML::Node&)>;
  struct Field {
    std::string_view name;
    Read read;
    std::function<void()> clear;  // for a null: Go sets the zero value
  };
  using TextMap = std::vector<std::pair<std::string, std::string>>;

  // The first document of `text`, null if there is none. The error begins with "yaml: ".
  [[nodiscard]] static Result<YAML::Node, std::string> load(std::string_view text);

  void structure(const YAML::Node& node, std::string_view type, std::initializer_list<Field> fields);
  void text(const YAML::Node& node, std::string& out, std::string_view type = "string");
  void boolean(const YAML::Node& node, bool& out);
  void integer(const YAML::Node& node, int64_t& out);
  // "1m30s", or a number of nanoseconds.
  void duration(const YAML::Node& node, int64_t& out_ns);
  void list(const YAML::Node& node, std::string_view type, const Read& each);
  void text_map(const YAML::Node& node, std::string_view type, TextMap& out);

  // A sentence that stands for itself, and alone.
  void refuse(std::string sentence);
  // What was wrong with all of it.
  [[nodiscard]] Result<void, std::string> result() const;

 private:
  void structure_at(const YAML::Node& node, std::string_view type, std::initializer_list<Field> fields, int depth);
  void map_at(const YAML::Node& node, TextMap& out, int depth);
  void cannot(const YAML::Node& node, std::string_view type);
  void mistake(const YAML::Node& node, const std::string& what);

  std::vector<std::string> mistakes_;
  std::optional<std::string> refused_;
};

}  // namespace sluice::net::web
