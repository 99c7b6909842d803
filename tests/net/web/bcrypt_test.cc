// Verdicts of bcrypt as Go's are: vectors of golang.org/x/crypto/bcrypt and of crypt(3).
#include "net/web/bcrypt.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::net::web {
namespace {

constexpr std::string_view kSecret = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr std::string_view kLong = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";  // 72 times x

TEST(Bcrypt, RightAndWrong) {
  EXPECT_TRUE(bcrypt_matches("secret", kSecret));
  EXPECT_FALSE(bcrypt_matches("secreT", kSecret));
  EXPECT_FALSE(bcrypt_matches("", kSecret));
  EXPECT_TRUE(bcrypt_matches("allmine", "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga"));
}

TEST(Bcrypt, EveryMinorVersionIsTheSame) {
  for (const char minor : {'a', 'b', 'x', 'y'}) {
    std::string hash(kSecret);
    hash[2] = minor;
    EXPECT_TRUE(bcrypt_matches("secret", hash)) << minor;
    EXPECT_FALSE(bcrypt_matches("Secret", hash)) << minor;
  }
}

TEST(Bcrypt, SeventyTwoBytesCount) {
  const std::string password(72, 'x');
  EXPECT_TRUE(bcrypt_matches(password, kLong));
  EXPECT_TRUE(bcrypt_matches(password + "more", kLong));
  EXPECT_FALSE(bcrypt_matches(password.substr(1), kLong));
}

TEST(Bcrypt, ANulByteIsNotAnEnd) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(bcrypt_matches("secret\0"sv, kSecret));
  EXPECT_FALSE(bcrypt_matches("secret\0more"sv, kSecret));
  EXPECT_FALSE(bcrypt_matches("\0secret"sv, kSecret));
}

TEST(Bcrypt, ACutHashIsNobodys) {
  for (size_t bytes = 0; bytes < kSecret.size(); ++bytes) {
    EXPECT_FALSE(bcrypt_matches("secret", kSecret.substr(0, bytes))) << bytes;
  }
}

TEST(Bcrypt, CostsAndGosRefusals) {
  EXPECT_EQ(bcrypt_cost(kSecret), 4);
  EXPECT_EQ(bcrypt_cost("$2y$31$" + std::string(53, 'a')), 31);
  const auto refusal = [](const std::string& hash) { return bcrypt_cost(hash).error(); };
  EXPECT_EQ(refusal("doe"), "crypto/bcrypt: hashedSecret too short to be a bcrypted password");
  EXPECT_EQ(refusal("x" + std::string(kSecret.substr(1))),
            "crypto/bcrypt: bcrypt hashes must start with '$', but hashedSecret started with 'x'");
  EXPECT_EQ(refusal("$3b" + std::string(kSecret.substr(3))),
            "crypto/bcrypt: bcrypt algorithm version '3' requested is newer than current version '2'");
  EXPECT_EQ(refusal("$2b$32$" + std::string(53, 'a')),
            "crypto/bcrypt: cost 32 is outside allowed inclusive range 4..31");
  EXPECT_EQ(refusal("$2b$03$" + std::string(53, 'a')),
            "crypto/bcrypt: cost 3 is outside allowed inclusive range 4..31");
  EXPECT_EQ(refusal("$2b$x1$" + std::string(53, 'a')), "strconv.Atoi: parsing \"x1\": invalid syntax");
}

}  // namespace
}  // namespace sluice::net::web
