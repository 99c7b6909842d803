// An auth file on disk for a test, removed with it.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace sluice::net::auth {

// bcrypt of "secret", cost 4.
inline constexpr const char* kSecret = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
// SHA-256 of "test".
inline constexpr const char* kTestDigest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

class AuthFolder {
 public:
  AuthFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-auth-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~AuthFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  AuthFolder(const AuthFolder&) = delete;
  AuthFolder& operator=(const AuthFolder&) = delete;

  [[nodiscard]] std::string path() const { return folder_ + "/auth.yml"; }
  // As an editor does: a file that is there is complete.
  void write(std::string_view text) const {
    std::ofstream(path() + ".new", std::ios::binary) << text;
    std::filesystem::rename(path() + ".new", path());
  }

 private:
  std::string folder_;
};

}  // namespace sluice::net::auth
