// Reloads of the web config: what changes, and what a broken, emptied or missing file leaves as it was.
#include "net/web/config_file.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/net/tls/test_tls.h"
#include "tests/net/web/web_folder.h"

namespace sluice::net::web {
namespace {

constexpr const char* kHash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr const char* kOther = "$2b$04$abcdefghijklmnopqrstuu0HtfOlPbTiymk5tcV.3TsFPDd3SYZqu";

std::string users(const std::string& name, const std::string& hash = kHash) {
  return "basic_auth_users:\n  " + name + ": " + hash + "\n";
}

class ConfigFileTest : public testing::Test {
 protected:
  void open(const std::string& text) {
    folder_.write(text);
    auto opened = ConfigFile::open(folder_.path());
    ASSERT_TRUE(opened) << opened.error();
    file_ = std::move(*opened);
    reader_ = std::make_unique<ConfigFile::Reader>(*file_);
  }
  void expect_kept(const char* what) {
    EXPECT_TRUE(reader_->current(true).config.users.contains("one")) << what;
    EXPECT_TRUE(file_->counts().last_failed) << what;
  }

  WebFolder folder_;
  std::unique_ptr<ConfigFile> file_;
  std::unique_ptr<ConfigFile::Reader> reader_;
};

TEST_F(ConfigFileTest, AChangeHoldsForTheNextQuestion) {
  open(users("one"));
  EXPECT_TRUE(reader_->current(false).config.users.contains("one"));
  folder_.write(users("two", kOther));
  EXPECT_FALSE(reader_->current(false).config.users.contains("one"));
  EXPECT_EQ(reader_->current(false).config.users.at("two"), kOther);
  EXPECT_EQ(reader_->current(false).config.stand_ins, std::vector<std::string>{kOther});
  EXPECT_EQ(file_->counts().reloads, 1u);
  ConfigFile::Reader another(*file_);
  EXPECT_TRUE(another.current(false).config.users.contains("two"));
  EXPECT_EQ(file_->counts().reloads, 1u);  // one reader's look serves all
}

TEST_F(ConfigFileTest, WhatIsBrokenOrGoneChangesNothing) {
  open(users("one"));
  uint64_t failures = 0;
  for (const std::string& text :
       {users("two", "nohash"), std::string("basic_auth_users: ["), std::string("unknown: 1\n"), std::string(),
        std::string("basic_auth_users: {}\n"), std::string("http_server_config:\n  http2: false\n")}) {
    folder_.write(text);
    expect_kept(text.c_str());
    EXPECT_EQ(file_->counts().failures, ++failures) << text;
    static_cast<void>(reader_->current(true));
    EXPECT_EQ(file_->counts().failures, failures) << text;  // said once
  }
  folder_.remove();
  expect_kept("removed");
  folder_.write(users("three"));
  EXPECT_TRUE(reader_->current(false).config.users.contains("three"));
  EXPECT_FALSE(file_->counts().last_failed);
}

TEST_F(ConfigFileTest, CertificatesAreReadAnewAndTlsIsNotSwitchedOff) {
  const tls::TestPair first = tls::make_pair("first");
  const tls::TestPair second = tls::make_pair("second");
  folder_.write(first.certificate, "a.crt");
  folder_.write(first.key, "a.key");
  const std::string text = "tls_server_config:\n  cert_file: a.crt\n  key_file: a.key\n" + users("one");
  open(text);
  const auto before = reader_->current(true).tls;
  ASSERT_TRUE(before);
  EXPECT_EQ(reader_->current(true).tls, before);
  folder_.write(second.certificate, "a.crt");
  EXPECT_EQ(reader_->current(true).tls, before);  // the key is the first's still
  EXPECT_TRUE(file_->counts().last_failed);
  folder_.write(second.key, "a.key");
  const auto after = reader_->current(true).tls;
  EXPECT_NE(after, before);
  EXPECT_FALSE(file_->counts().last_failed);
  folder_.remove("a.key");
  EXPECT_EQ(reader_->current(true).tls, after);
  folder_.write(second.key, "a.key");
  folder_.write(users("one"));
  EXPECT_NE(reader_->current(true).tls, nullptr);
  EXPECT_TRUE(file_->counts().last_failed);
}

TEST_F(ConfigFileTest, PlaintextStaysPlaintextAndUsersMayCome) {
  const tls::TestPair pair = tls::make_pair("first");
  folder_.write(pair.certificate, "a.crt");
  folder_.write(pair.key, "a.key");
  open("");
  EXPECT_TRUE(reader_->current(true).config.users.empty());
  folder_.write("tls_server_config:\n  cert_file: a.crt\n  key_file: a.key\n" + users("one"));
  EXPECT_EQ(reader_->current(true).tls, nullptr);  // whether TLS is spoken was decided at the start
  EXPECT_TRUE(reader_->current(true).config.users.contains("one"));
}

TEST_F(ConfigFileTest, WhatCannotBeReadAtTheStartIsRefused) {
  EXPECT_EQ(ConfigFile::open(folder_.path()).error(), "open " + folder_.path() + ": no such file or directory");
  folder_.write(users("one", "doe"));
  EXPECT_EQ(ConfigFile::open(folder_.path()).error(),
            "crypto/bcrypt: hashedSecret too short to be a bcrypted password");
}

}  // namespace
}  // namespace sluice::net::web
