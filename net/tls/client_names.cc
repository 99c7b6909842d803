#include "net/tls/client_names.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "net/tls/openssl.h"

namespace sluice::net::tls {
namespace {

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<size_t>(ASN1_STRING_length(string))};
}

// As Go prints it: an IPv4 address in dots, whichever way it was written; nothing for what is neither.
std::string address_of(const ASN1_OCTET_STRING* bytes) {
  const unsigned char* data = ASN1_STRING_get0_data(bytes);
  int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(bytes) != 16) return {};
  constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (family == AF_INET6 && std::equal(std::begin(kMapped), std::end(kMapped), data)) {
    family = AF_INET;
    data += sizeof kMapped;
  }
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(family, data, text, sizeof text) == nullptr ? std::string() : text;
}

std::string name_of(const GENERAL_NAME* name) {
  switch (name->type) {
    case GEN_DNS:
      return text_of(name->d.dNSName);
    case GEN_EMAIL:
      return text_of(name->d.rfc822Name);
    case GEN_URI:
      return text_of(name->d.uniformResourceIdentifier);
    case GEN_IPADD:
      return address_of(name->d.iPAddress);
    default:
      return {};
  }
}

std::vector<std::string> alternative_names(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  std::vector<std::string> names;
  for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()); ++i) {
    std::string name = name_of(sk_GENERAL_NAME_value(found.get(), i));
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

bool has_name_of(const X509* certificate, const std::vector<std::string>& allowed) {
  return std::ranges::any_of(alternative_names(certificate), [&](const std::string& name) {
    return std::ranges::find(allowed, name) != allowed.end();
  });
}

std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names = alternative_names(certificate);
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  for (int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) {
    unsigned char* text = nullptr;
    const int bytes = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (bytes > 0) names.emplace_back(reinterpret_cast<const char*>(text), static_cast<size_t>(bytes));
    if (bytes >= 0) OPENSSL_free(text);
  }
  ERR_clear_error();
  return names;
}

}  // namespace sluice::net::tls
