#include "net/conn/counters.h"

namespace sluice::net::conn {

const char* close_reason_name(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::kClient:
      return "client";
    case CloseReason::kAnswered:
      return "answered";
    case CloseReason::kRefused:
      return "refused";
    case CloseReason::kReset:
      return "reset";
    case CloseReason::kTimeout:
      return "timeout";
    case CloseReason::kIdle:
      return "idle";
    case CloseReason::kPressure:
      return "pressure";
    case CloseReason::kSlowReader:
      return "slow_reader";
    case CloseReason::kBroken:
      return "broken";
    case CloseReason::kStop:
      return "stop";
    case CloseReason::kFull:
      return "full";
    case CloseReason::kError:
      return "error";
    case CloseReason::kTls:
      return "tls";
  }
  return "";
}

}  // namespace sluice::net::conn
