// Refusing system calls in a child process, as the sandboxes of Docker and containerd do.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace sluice::testing_support {

// System call `number` fails with `error`; when `argument` >= 0, only if the low half of that argument equals `value`.
struct Refusal {
  long number;
  int error;
  int argument = -1;
  uint32_t value = 0;
};

// From here on in this process and its children. False when the kernel refuses.
inline bool refuse(const std::vector<Refusal>& refusals) {
  if (refusals.empty()) return true;  // so that limits alone can be tested where there is no seccomp
  std::vector<sock_filter> program;
  const auto load = [&](size_t offset) {
    program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
  };
  for (const Refusal& r : refusals) {
    load(offsetof(seccomp_data, nr));
    const bool conditional = r.argument >= 0;
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(r.number), 0,
                               static_cast<uint8_t>(conditional ? 3 : 1)));
    if (conditional) {
      load(offsetof(seccomp_data, args) + static_cast<size_t>(r.argument) * 8);
      program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r.value, 0, 1));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(r.error)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// Runs `body` in a child under these refusals and returns what it returned; "no seccomp" when they cannot be installed,
// "child died" when it did.
template <typename Body>
std::string in_child(const std::vector<Refusal>& refusals, Body body) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    ::close(ends[0]);
    const std::string answer = refuse(refusals) ? body() : std::string("no seccomp");
    const bool written = ::write(ends[1], answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
    _exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::string answer;
  char buffer[512];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof(buffer))) > 0;) answer.append(buffer, static_cast<size_t>(n));
  ::close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? answer : "child died";
}

}  // namespace sluice::testing_support
