// A scrape as protobuf: a snapshot and the gateway's own families as MetricFamily messages, in slices.
//
// Delimited messages, each behind its length; or Go's prototext of each, in one line or in many. What is in a family
// and in which order is as in the text format (renderer.h). A fragment with a record is shown from it, exactly as it
// was pushed (native histograms, exemplars, created times); from any other the sample lines are read back.
//
// The length of a family is needed before its first metric, and a family may have millions: so each is walked twice,
// once to add up lengths and once to write. The snapshot does not change, so both agree.
//
// Lifetime: as Renderer. Memory: 8 bytes a shape, the longest piece (limits in metrics_writer.h) and the labels of one
// metric. One owner, one thread. O(bytes read).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/render/escape_names.h"
#include "core/render/family_walk.h"
#include "core/render/group_cursor.h"
#include "core/render/metrics_writer.h"
#include "core/render/own_family.h"
#include "core/render/prototext_writer.h"
#include "core/render/record_prototext.h"
#include "core/render/record_wire.h"
#include "core/render/snapshot_source.h"
#include "core/render/text_prototext.h"
#include "core/render/text_wire.h"

namespace sluice::render {

enum class ProtobufForm : uint8_t { kDelimited, kText, kCompactText };

class ProtobufRenderer final : public SnapshotSource {
 public:
  // As Renderer.
  ProtobufRenderer(std::span<const store::Snapshot::Bucket> buckets, std::vector<OwnFamily> own, ProtobufForm form,
                   NameEscaping escaping, FamilyWalk::OnHelpConflict on_help_conflict = {},
                   FamilyShown shown = FamilyShown::kAll);

  [[nodiscard]] State produce(char* out, size_t capacity, size_t& used, Deadline deadline) override;
  [[nodiscard]] uint64_t left_out() const noexcept override { return walk_.left_out(); }
  [[nodiscard]] uint32_t place() const noexcept override { return place_; }
  [[nodiscard]] bool left_to_own() const noexcept override { return walk_.left_to_own(); }

 private:
  enum class Phase : uint8_t { kFamily, kHeader, kSource, kMetrics, kDone };

  void run_phase(uint32_t& work);
  void begin_family();
  void begin_sources();
  void write_header();
  // On to the next source of the family: own lines, then fragment by fragment, or push time by push time.
  void next_source(uint32_t& work);
  void start_source(MetricsWriter& writer, std::string_view source, bool has_quoted_names);
  void end_of_sources();
  [[nodiscard]] uint64_t header_bytes() const noexcept;

  // Fixed after construction.
  const ProtobufForm form_;
  const NameEscaping escaping_;

  FamilyWalk walk_;
  Phase phase_ = Phase::kFamily;
  uint32_t place_ = 0;
  bool at_new_place_ = false;  // a family stands, nothing of it is written, and place_ is not its
  std::string stage_;          // written, but not handed out yet
  size_t staged_at_ = 0;

  // The family that is being written.
  std::string name_;        // escaped
  bool measuring_ = false;  // the first of two walks
  bool own_done_ = false;   // own lines are through
  uint64_t metrics_bytes_ = 0;
  GroupCursor groups_;
  std::string line_;  // of a push time
  MetricsWriter* source_ = nullptr;

  PrototextWriter prototext_;
  TextWire text_wire_;
  RecordWire record_wire_;
  TextPrototext text_prototext_;
  RecordPrototext record_prototext_;
};

}  // namespace sluice::render
