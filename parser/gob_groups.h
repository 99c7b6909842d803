// The groups in the persistence file of a Pushgateway 0.10 to 1.11: Go's encoding/gob of
//
//   map[string]struct{ Labels  map[string]string
//                      Metrics map[string]struct{ Timestamp            time.Time
//                                                 GobbableMetricFamily (the bytes of an
//                                                 io.prometheus.client.MetricFamily) } }
//
// (storage/interface.go and diskmetricstore.go of the reference). The whole map is one gob value, so it is read group
// by group out of windows: step() takes what stands at offset(), and says kMore when the window ends before the group
// does. Fields that later versions may add are stepped over, as Go does it.
//
// Every length is compared with the bytes of the file before anything is made of it. What the families' bytes mean is
// not looked at here.
//
// One owner, one thread. Views in a group point into the window that it was read from. O(bytes); a group that does not
// fit into its window is begun anew with the next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/families.h"
#include "parser/gob_cursor.h"
#include "parser/gob_types.h"

namespace sluice::parser {

struct GobFamily {
  std::string_view name;     // its key in the group
  std::string_view message;  // MetricFamily; empty when there is none
  int64_t time_ns = 0;       // of the push that brought it; 0 for Go's zero time
};

struct GobGroup {
  std::vector<model::LabelPair> labels;  // in no order
  std::vector<GobFamily> families;       // in no order; push_time_seconds and push_failure_time_seconds among them
};

class GobGroups {
 public:
  enum class Step : uint8_t {
    kMore,   // the window is too short: call again with a longer one that begins at offset()
    kGroup,  // `out` is the next group
    kEnd,    // there are no more, and nothing behind them
    kError,  // error() says why; groups that came before are worth nothing either
  };

  explicit GobGroups(uint64_t file_bytes) : file_bytes_(file_bytes), end_(file_bytes) {}
  GobGroups(const GobGroups&) = delete;
  GobGroups& operator=(const GobGroups&) = delete;

  // `window` is what stands at offset() of the file.
  [[nodiscard]] Step step(std::string_view window, GobGroup& out);
  // Of the first byte that is still needed.
  [[nodiscard]] uint64_t offset() const noexcept { return offset_; }
  // One sentence's end, with the offset.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  // The bytes are a gob stream: at least one type was defined.
  [[nodiscard]] bool is_gob() const noexcept { return types_.defined() > 0; }

 private:
  // Type definitions up to the value, then its head.
  [[nodiscard]] Step take_types(std::string_view window);
  [[nodiscard]] const char* find_shape(int64_t id);
  [[nodiscard]] Step take_group(std::string_view window, GobGroup& out);
  void take_labels(GobCursor& cursor, GobGroup& out) const;
  void take_families(GobCursor& cursor, GobGroup& out) const;
  [[nodiscard]] Step stop(const GobCursor& cursor);
  [[nodiscard]] Step fail(std::string_view why, uint64_t offset);

  // Where what is needed stands in the types of this file.
  struct Shape {
    const GobType* group = nullptr;
    const GobType* family = nullptr;
    int64_t labels = 0;  // fields of group
    int64_t metrics = 0;
    int64_t time = 0;  // fields of family
    int64_t message = 0;
  };

  GobTypes types_;
  Shape shape_;
  uint64_t file_bytes_;
  uint64_t end_;  // of the value once its length is known
  uint64_t offset_ = 0;
  uint64_t groups_left_ = 0;
  bool in_groups_ = false;
  std::string error_;
};

// time.Time as its MarshalBinary writes it (versions 1 and 2): nanoseconds since the Unix epoch, 0 for Go's zero time.
// False when it is not one, or before 1678 or after 2262.
[[nodiscard]] bool decode_go_time(std::string_view bytes, int64_t& unix_ns) noexcept;

}  // namespace sluice::parser
