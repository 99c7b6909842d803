#include "tests/parser/skeleton_pairs.h"

#include <vector>

#include "core/model/canonical.h"
#include "core/model/families.h"
#include "parser/canonical.h"
#include "parser/protobuf_parser.h"
#include "parser/simd/kernel.h"
#include "parser/skeleton.h"
#include "parser/text_fast.h"
#include "parser/text_parser.h"
#include "tests/parser/fast_bodies.h"
#include "tests/parser/fast_families.h"

namespace sluice::parser::test {
namespace {

std::string_view view(const std::vector<char>& bytes) { return {bytes.data(), bytes.size()}; }

// What parsing gives; empty when the fast parser does not take the body.
std::string parsed(std::string_view body) {
  TextParser parser;
  model::Families families;
  parser.start(body, NameScheme::kLegacy, families);
  const TextParser::Step step = parser.step(Deadline::never());
  return step == TextParser::Step::kDone && !parser.used_exact() ? "ok\n" + describe(families) : std::string();
}

// The same of protobuf; empty when it is malformed.
std::string parsed_protobuf(std::string_view body) {
  ProtobufParser parser;
  model::Families families;
  parser.start(body, families);
  return parser.step(Deadline::never()) == ProtobufParser::Step::kDone ? "ok\n" + describe(families) : std::string();
}

std::string both(const char* what, const std::string& got, const std::string& wanted) {
  return std::string(what) + "\n--- parsed\n" + wanted + "\n--- by the skeleton\n" + got + "\n";
}

// All bytes of a canonical push, and what stands beside them.
std::string describe_push(const model::CanonicalPush& push) {
  std::string out = std::to_string(push.series) + " series, " + std::to_string(push.samples) + " samples, " +
                    std::to_string(push.used_bytes) + " bytes\n";
  for (const model::CanonicalFamily& family : push.families) {
    out += std::string(family.name) + "|" + std::string(family.help) + "|" + (family.has_help ? "help|" : "|") +
           std::to_string(static_cast<int>(family.type)) + "|" + std::to_string(family.source) + "|" +
           std::to_string(family.fragment_at) + "\n" + std::string(push.fragment(family).text());
  }
  out.append(reinterpret_cast<const char*>(push.bytes()), push.used_bytes);
  return out;
}

// What the canonicaliser makes of the families with or without its check; empty when it finds a conflict.
std::string canonical(const model::Families& families, const model::GroupKey& key, bool check) {
  Canonicaliser canonicaliser;
  model::CanonicalPush push;
  canonicaliser.begin(families, key, push, check);
  return canonicaliser.step(Deadline::never()) == Canonicaliser::State::kDone ? describe_push(push) : std::string();
}

// The two kinds of skeletons, used alike.
class Whole {
 public:
  [[nodiscard]] bool make(std::string_view body, const model::GroupKey& /*key*/) {
    return skeleton.make(body, workshop_.parser);
  }
  [[nodiscard]] bool match(std::string_view body) { return skeleton.match(body); }
  [[nodiscard]] bool write(const model::GroupKey& key, model::CanonicalPush& push) {
    return skeleton.write_canonical(key, push, workshop_.text);
  }

  Skeleton skeleton;

 private:
  Skeleton::Workshop workshop_{simd::active_kernel()};
};

class WholeProtobuf {
 public:
  [[nodiscard]] bool make(std::string_view body, const model::GroupKey& /*key*/) {
    return skeleton.make(body, parser_);
  }
  [[nodiscard]] bool match(std::string_view body) { return skeleton.match(body); }
  [[nodiscard]] bool write(const model::GroupKey& key, model::CanonicalPush& push) {
    return skeleton.write_canonical(key, push, scratch_);
  }

  Skeleton skeleton;

 private:
  ProtobufParser parser_;
  SkeletonText::Scratch scratch_;
};

class InSteps {
 public:
  [[nodiscard]] bool make(std::string_view body, const model::GroupKey& key) {
    skeleton.begin_make(body);
    Skeleton::Workshop workshop(simd::active_kernel());
    return finish([&] { return skeleton.step_make(key, workshop, kPassed); });
  }
  [[nodiscard]] bool match(std::string_view body) {
    skeleton.begin_match(body);
    return finish([&] { return skeleton.step_match(kPassed); });
  }
  [[nodiscard]] bool write(const model::GroupKey& key, model::CanonicalPush& push) {
    if (!skeleton.begin_write(key, push, UINT64_MAX)) return false;
    // A push that is given up half way leaves nothing behind.
    if (skeleton.step_write(push, kPassed) == SkeletonStep::kMore && !skeleton.begin_write(key, push, UINT64_MAX)) {
      return false;
    }
    return finish([&] { return skeleton.step_write(push, kPassed); });
  }

  Skeleton skeleton{kLargeSkeleton};

 private:
  static constexpr Deadline kPassed{0};

  template <typename Step>
  static bool finish(Step step) {
    SkeletonStep result;
    do {
      result = step();
    } while (result == SkeletonStep::kMore);
    return result == SkeletonStep::kYes;
  }
};

// The canonical push of the body that matched last, if the skeleton writes it. False when it does not.
template <typename Kind>
bool write_and_compare(Kind& kind, const model::GroupKey& key, std::string& difference) {
  Skeleton& skeleton = kind.skeleton;
  // Before its numbers are asked for, and behind.
  model::CanonicalPush unread;
  const bool written = kind.write(key, unread);
  const std::string before = describe(skeleton.families());
  if (!written) return false;
  model::CanonicalPush push;
  if (!kind.write(key, push) || describe_push(unread) != describe_push(push)) {
    difference = both("written unread", describe_push(unread), describe_push(push));
  }
  if (describe(skeleton.families()) != before) difference = both("numbers", describe(skeleton.families()), before);
  for (const bool check : {true, false}) {
    const std::string wanted = canonical(skeleton.families(), key, check);
    if (describe_push(push) != wanted) difference = both("the canonical push", describe_push(push), wanted);
  }
  return true;
}

// `parse` says what the parser of these bodies makes of one.
template <typename Kind, typename Parse>
SkeletonPair compare(Parse parse, std::string_view first_body, const model::GroupKey& first_key,
                     std::string_view second_body, const model::GroupKey& second_key) {
  const std::vector<char> first(first_body.begin(), first_body.end());
  const std::vector<char> second(second_body.begin(), second_body.end());
  SkeletonPair pair;
  Kind kind;
  Skeleton& skeleton = kind.skeleton;
  pair.kept = kind.make(view(first), first_key);
  if (!pair.kept) return pair;
  // The first push makes the template, if it is not made.
  if (kind.match(view(first))) static_cast<void>(write_and_compare(kind, first_key, pair.difference));
  pair.matched = kind.match(view(second));
  if (pair.matched) {
    const std::string wanted = parse(view(second));
    const std::string got = "ok\n" + describe(skeleton.families());
    if (got != wanted) pair.difference = both("the second body", got, wanted);
    pair.written = write_and_compare(kind, second_key, pair.difference);
  }
  // Whatever the second one has left behind.
  const bool again = kind.match(view(first));
  const std::string wanted = parse(view(first));
  const std::string got = again ? "ok\n" + describe(skeleton.families()) : "no match";
  if (got != wanted) pair.difference = both("the first body again", got, wanted);
  return pair;
}

}  // namespace

SkeletonPair compare_protobuf_by_skeleton(std::string_view first, const model::GroupKey& first_key,
                                          std::string_view second, const model::GroupKey& second_key) {
  return compare<WholeProtobuf>(parsed_protobuf, first, first_key, second, second_key);
}

SkeletonPair compare_by_skeleton(std::string_view first, std::string_view second) {
  static const model::GroupKey key = model::GroupKey::from_labels({{"job", "t"}, {"instance", "i"}});
  return compare_by_skeleton(first, key, second, key);
}

SkeletonPair compare_by_skeleton(std::string_view first, const model::GroupKey& first_key, std::string_view second,
                                 const model::GroupKey& second_key) {
  return compare<Whole>(parsed, first, first_key, second, second_key);
}

SkeletonPair compare_by_large_skeleton(std::string_view first, const model::GroupKey& first_key,
                                       std::string_view second, const model::GroupKey& second_key) {
  return compare<InSteps>(parsed, first, first_key, second, second_key);
}

std::string random_body(std::mt19937_64& random, int lines) {
  switch (random() % 4) {
    case 0:
      return gauges_body(1 + static_cast<int>(random() % 10), random());
    case 1:
      return histograms_body(1 + static_cast<int>(random() % 2), random());
    case 2:
      return std::string(fast_bodies()[random() % fast_bodies().size()].text);
    default:
      return mixed_body(lines, random());
  }
}

std::string renumbered(std::string_view body, std::mt19937_64& random) {
  static constexpr std::string_view kNumbers[] = {
      "0",    "-0",   "1",    "12",      "-7.25",   "0.1",   "1e5",  "1E+05",  "NaN",    "nan",
      "+Inf", "-Inf", "Inf",  "inf",     "5.",      ".5",    "+1",   "1e-400", "1e400",  "0x1p-2",
      "1_0",  "1e22", "1e23", "1234567", "1000000", "00012", "-0.0", "1.50",   "999999", "0.00001"};
  static constexpr std::string_view kLong[] = {"123456789012345678901234567890", "18446744073709551616",
                                               "9007199254740993", "0.30000000000000004"};
  static constexpr std::string_view kNoNumbers[] = {"",  " ",    "1 ",  " 1", "1\r", "1 5",
                                                    "x", "1\n2", "--1", "1e", "0x",  "1\t"};
  std::string out;
  while (!body.empty()) {
    const size_t bytes = body.find('\n') == std::string_view::npos ? body.size() : body.find('\n') + 1;
    const std::string_view line = body.substr(0, bytes);
    body.remove_prefix(bytes);
    const size_t blank = line.rfind(' ');
    if (line.front() == '#' || blank == std::string_view::npos || random() % 4 == 0) {
      out += line;
      continue;
    }
    out += line.substr(0, blank + 1);
    const uint64_t kind = random() % 200;
    if (kind == 0) {
      out += kNoNumbers[random() % std::size(kNoNumbers)];
    } else if (kind < 20) {
      out += kLong[random() % std::size(kLong)];
    } else if (kind < 60) {
      out += kNumbers[random() % std::size(kNumbers)];
    } else {
      out += std::to_string(random() % 100000);
      if (kind < 130) out += "." + std::to_string(random() % 1000);
    }
    if (line.back() == '\n') out += '\n';
  }
  return out;
}

}  // namespace sluice::parser::test
