// The memory of bodies: it keeps what it holds as it grows, and threads that are given each other's addresses do not
// alarm ThreadSanitizer.
#include "net/conn/body_buffer.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <string>
#include <thread>

#include "core/base/limits.h"

namespace sluice::net::conn {
namespace {

constexpr size_t kPieceBytes = 60'000;

// Appends pieces of 60 kB that differ until `bytes` are reached, and says whether all of it is there in the end.
bool keeps_what_it_holds(size_t bytes) {
  BodyBuffer buffer;
  char letter = 'a';
  while (buffer.used() < bytes) {
    if (!buffer.reserve(kPieceBytes)) return false;
    buffer.append(std::string(kPieceBytes, letter));
    letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1);
  }
  letter = 'a';
  for (size_t at = 0; at < buffer.used(); at += kPieceBytes) {
    if (buffer.view().substr(at, kPieceBytes) != std::string(kPieceBytes, letter)) return false;
    letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1);
  }
  return buffer.used() >= bytes;
}

TEST(BodyBufferTest, KeepsWhatItHolds) { EXPECT_TRUE(keeps_what_it_holds(2 * limits::kBodyBufferBytesKept)); }

TEST(BodyBufferTest, ThreadsAreGivenEachOthersAddresses) {
  constexpr int kRounds = 50;
  const auto grow = [](bool& kept) {
    kept = true;
    for (int round = 0; round < kRounds; ++round) kept = keeps_what_it_holds(10 * kPieceBytes) && kept;
  };
  bool one = false;
  bool other = false;
  std::thread first(grow, std::ref(one));
  std::thread second(grow, std::ref(other));
  first.join();
  second.join();
  EXPECT_TRUE(one && other);
}

}  // namespace
}  // namespace sluice::net::conn
