#include "net/ring/completion.h"

#include <cerrno>

namespace sluice::net::ring {

namespace {

// A listener outlives what happens to single connections; only running out of something has to wait.
Next next_of_accept(int error) noexcept {
  switch (error) {
    case ECONNABORTED:  // the peer left before we took it
    case EINTR:
    case EAGAIN:
    case EPROTO:  // the kernel passes errors of the new connection on (accept(2), "Error handling")
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
    case EPERM:  // a firewall rule
      return Next::kRearm;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Next::kPark;
    default:  // ECANCELED, EBADF, EINVAL: the listener is gone
      return Next::kClosed;
  }
}

Next next_of_transfer(int error) noexcept {
  switch (error) {
    case EAGAIN:
    case EINTR:
      return Next::kRearm;
    case ENOBUFS:
    case ENOMEM:
      return Next::kPark;
    default:
      return Next::kClosed;
  }
}

}  // namespace

Next next_of(const Completion& completion) noexcept {
  if (completion.more) return Next::kKeep;
  if (completion.op == Op::kAccept) {
    return completion.result >= 0 ? Next::kRearm : next_of_accept(-completion.result);
  }
  if (completion.result > 0) return Next::kRearm;
  // 0 is the end of a stream for receives and simply "done" for the rest, which are not submitted again either.
  if (completion.result == 0) return Next::kClosed;
  return next_of_transfer(-completion.result);
}

bool is_expected_error(Op op, int error) noexcept {
  switch (error) {
    case ECANCELED:
    case EAGAIN:
    case EINTR:
    case ENOBUFS:
    case ENOMEM:
      return true;
    case ECONNRESET:    // the peer, or a middlebox, cut the connection
    case ECONNABORTED:  // likewise
    case EPIPE:         // a send after the peer closed
    case ETIMEDOUT:     // retransmissions or keep-alive gave up
    case ENOTCONN:      // shutdown after a reset
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
      return op != Op::kFdatasync;
    case EMFILE:
    case ENFILE:
    case EPROTO:
    case EPERM:
      return op == Op::kAccept;
    case EIO:  // the disk: expected in kind, and the owner's to act on
    case ENOSPC:
    case EDQUOT:
      return op == Op::kFdatasync;
    default:
      return false;
  }
}

const char* op_name(Op op) noexcept {
  switch (op) {
    case Op::kAccept:
      return "accept";
    case Op::kReceive:
    case Op::kReceiveInto:
      return "receive";
    case Op::kSend:
      return "send";
    case Op::kShutdown:
      return "shutdown";
    case Op::kFdatasync:
      return "fdatasync";
  }
  return "unknown operation";
}

}  // namespace sluice::net::ring
