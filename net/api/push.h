// A push from its complete body to its answer: parse, canonicalise, check and store, in slices.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"
#include "core/store/ops.h"
#include "net/api/group_requests.h"
#include "net/api/worker_context.h"
#include "net/conn/body_buffer.h"
#include "net/http/content_coding.h"
#include "net/http/exchange.h"
#include "parser/canonical.h"
#include "parser/protobuf_parser.h"
#include "parser/skeleton_key.h"
#include "parser/skeleton_large.h"
#include "parser/skeleton_slots.h"
#include "parser/text_parser.h"

namespace sluice::net::api {

// The tables of one running push.
class PushScratch {
 public:
  http::ContentDecoder decoder;
  parser::TextParser text_parser;
  parser::ProtobufParser protobuf_parser;
  parser::Canonicaliser canonicaliser;
  model::Families families;
  model::CanonicalPush push;
  store::PushOp op;

  // About how much memory the last push has used.
  [[nodiscard]] size_t bytes() const noexcept;
  // The most that bytes() was when a push gave this back: tables do not shrink.
  size_t most_bytes = 0;
};

// PUT and POST on a group. Nothing of it is visible before the store's last step; dying in the middle leaves no trace.
class PushState final : public RequestState {
 public:
  PushState(WorkerContext& context, model::GroupKey key, int64_t start_ns);
  ~PushState() override;
  PushState(const PushState&) = delete;
  PushState& operator=(const PushState&) = delete;

  // Called with the complete body until it returns kDone.
  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  enum class Phase : uint8_t {
    kStart,
    kDecode,
    kCompare,
    kParseText,
    kParseProtobuf,
    kParsed,
    kWrite,
    kRead,
    kCanonicalise,
    kLearn,
    kStore,
    kReject,
    kAcknowledge,
    kStoreFailure
  };

  // Each runs its phase; true when the next phase may run at once, false when `action_` is to be returned.
  [[nodiscard]] bool decode(http::Exchange& exchange, Deadline deadline);
  // What is decoded is beyond.
  [[nodiscard]] std::optional<limits::Limit> limit_of_decoded() const noexcept;
  // Of a large body, with skeletons.
  [[nodiscard]] bool compare(Deadline deadline);
  [[nodiscard]] bool parse_text(http::Exchange& exchange, Deadline deadline);
  [[nodiscard]] bool parse_protobuf(http::Exchange& exchange, Deadline deadline);
  // The canonical push, by a large skeleton.
  [[nodiscard]] bool write(const http::Exchange& exchange, Deadline deadline);
  // The numbers of a large body that are not read, for the canonicaliser.
  [[nodiscard]] bool read(Deadline deadline);
  [[nodiscard]] bool canonicalise(http::Exchange& exchange, Deadline deadline);
  [[nodiscard]] bool learn(const http::Exchange& exchange, Deadline deadline);
  [[nodiscard]] bool store(http::Exchange& exchange, Deadline deadline);
  // What the store refused.
  [[nodiscard]] bool reject_stored(http::Exchange& exchange, Deadline deadline);
  [[nodiscard]] bool acknowledge(http::Exchange& exchange);
  [[nodiscard]] bool store_failure(http::Exchange& exchange, Deadline deadline);
  [[nodiscard]] bool start(http::Exchange& exchange);
  // `body` is no longer encoded.
  [[nodiscard]] bool start_parsing(http::Exchange& exchange, std::string_view body);
  // Of body_, which no skeleton is like.
  void start_parser();
  [[nodiscard]] parser::SkeletonForm form() const noexcept {
    return protobuf_ ? parser::SkeletonForm::kProtobuf : parser::SkeletonForm::kText;
  }
  // What the body says, once it was parsed.
  [[nodiscard]] const model::Families& families() const {
    return skeleton_ ? skeleton_->families() : scratch_->families;
  }
  // After either parser; `at_end`: the parser missed bytes behind the last one, which is the decoder's error if it had
  // one.
  [[nodiscard]] bool refuse_parsed(http::Exchange& exchange, std::string_view text, bool at_end);
  [[nodiscard]] bool start_canonicalising(http::Exchange& exchange);
  void start_canonicaliser();
  [[nodiscard]] bool start_storing(const http::Exchange& exchange);
  [[nodiscard]] bool wait_for_slice();
  // Answers an inconsistent push; goes on to set the group's failure time unless the group itself would be invalid.
  [[nodiscard]] bool reject(http::Exchange& exchange, const model::Conflict& conflict);
  // What is beyond a limit; counted.
  [[nodiscard]] bool refuse_at(http::Exchange& exchange, limits::Limit limit);
  // 400 for a body that cannot be parsed or decoded.
  [[nodiscard]] bool refuse_malformed(http::Exchange& exchange, std::string_view text);
  [[nodiscard]] bool finish(http::Exchange& exchange);
  void give_back() noexcept;

  WorkerContext& context_;
  model::GroupKey key_;
  std::unique_ptr<PushScratch> scratch_;
  std::string_view body_;                  // what is parsed
  parser::SkeletonLoan skeleton_;          // whose families are the body's, once it has matched
  bool large_ = false;                     // it is one of the large ones
  parser::LargeSkeletons::Lesson lesson_;  // what is made of the body for the next one like it
  bool check_;                             // false: --push.disable-consistency-check
  conn::BodyBuffer decoded_;               // what is parsed, unless the body has no coding
  uint64_t promised_bytes_ = 0;            // of a body, by the memory guard
  uint64_t decoded_max_ = 0;               // bytes of it
  std::string decode_error_;               // comes after what was decoded before it
  int64_t start_ns_;
  int64_t wall_ns_ = 0;
  uint64_t stamp_ = 0;  // of the change that was made, for which the answer waits
  Phase phase_ = Phase::kStart;
  bool protobuf_ = false;
  bool to_learn_ = false;  // the body may become a skeleton, once it is known to be within the limits
  http::Handler::StepAction action_ = http::Handler::StepAction::kAgain;
};

// Tells the gateway's log of refusals. `key`: nullptr when the path names no group; `failure_ns`: what the group's
// failure time is about to become, 0 if it stays. `exchange` is answered but for the answer's counting.
void note_rejected(WorkerContext& context, const http::Exchange& exchange, const model::GroupKey* key,
                   std::string_view reason, int64_t failure_ns);

// The reference's approximation of a request's size: line, fields and announced body.
[[nodiscard]] uint64_t approximate_request_bytes(const http::Request& request) noexcept;

}  // namespace sluice::net::api
