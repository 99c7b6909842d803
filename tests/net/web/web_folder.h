// A folder of its own for the web config of a test.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::net::web {

class WebFolder {
 public:
  WebFolder() {
    std::string name = testing::TempDir() + "sluice_web_XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~WebFolder() { std::filesystem::remove_all(path_); }
  WebFolder(const WebFolder&) = delete;
  WebFolder& operator=(const WebFolder&) = delete;

  [[nodiscard]] std::string path(const std::string& name = "web.yml") const { return path_ + "/" + name; }
  // As an editor does: the file is replaced.
  void write(const std::string& text, const std::string& name = "web.yml") const {
    std::ofstream(path(name) + ".new") << text;
    std::filesystem::rename(path(name) + ".new", path(name));
  }
  void remove(const std::string& name = "web.yml") const { std::filesystem::remove(path(name)); }

 private:
  std::string path_;
};

}  // namespace sluice::net::web
