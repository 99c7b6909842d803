// Addresses and what the kernel makes of them: second gateways, stale and live sockets, both families, port 0.
#include "net/loop/listeners.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <string>

#include "tests/net/loop/client.h"
#include "tests/net/ring/seccomp.h"

namespace sluice::net::loop {
namespace {

using Kind = ListenAddress::Kind;

std::string error_of(const std::string& text) {
  const auto parsed = parse_listen_address(text);
  return parsed ? "" : parsed.error();
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Result<Listeners, std::string> open(const std::string& address, uint32_t workers = 1, unsigned mode = 0660) {
  auto parsed = parse_listen_address(address);
  if (!parsed) return Unexpected<std::string>(parsed.error());
  return Listeners::open({*parsed}, {.workers = workers, .unix_mode = mode});
}

bool has_ipv6() {
  const int socket = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool works = socket >= 0 && bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(socket);
  return works;
}

TEST(ListenAddress, Forms) {
  const auto any = parse_listen_address(":9091");
  ASSERT_TRUE(any.has_value());
  EXPECT_EQ(any->kind, Kind::kAny);
  EXPECT_EQ(any->port, 9091);
  const auto host = parse_listen_address("localhost:80");
  ASSERT_TRUE(host.has_value());
  EXPECT_EQ(host->kind, Kind::kHost);
  EXPECT_EQ(host->host, "localhost");
  const auto six = parse_listen_address("[fe80::1%lo]:1234");
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(six->host, "fe80::1%lo");
  EXPECT_EQ(six->port, 1234);
  const auto path = parse_listen_address("unix:///run/sluice.sock");
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->kind, Kind::kUnix);
  EXPECT_EQ(path->path, "/run/sluice.sock");
  EXPECT_EQ(parse_listen_address(":0")->port, 0);
}

TEST(ListenAddress, ErrorsNameTheAddressAndTheFlag) {
  for (const char* text : {"", "9091", "host", ":", ":65536", ":-1", ":9091x", "::1:9091", "[::1]", "[::1:9091",
                           "[host]:1", "unix://relative", "unix://"}) {
    const std::string error = error_of(text);
    EXPECT_TRUE(error.starts_with(std::string("--web.listen-address=") + text + ": ")) << text << " gave " << error;
  }
  EXPECT_TRUE(contains(error_of("unix:///" + std::string(200, 'x')), "at most 107 bytes"));
  EXPECT_TRUE(contains(error_of("::1:9091"), "brackets"));
}

TEST(Listeners, PortZeroIsResolvedOnceForAllWorkers) {
  auto listeners = open("127.0.0.1:0", 4);
  ASSERT_TRUE(listeners.has_value()) << listeners.error();
  const Listeners::Entry& entry = listeners->entries()[0];
  EXPECT_NE(entry.port, 0);
  EXPECT_EQ(entry.bound, "127.0.0.1:" + std::to_string(entry.port));
  ASSERT_EQ(entry.sockets.size(), 4u);
  std::set<int> different;
  for (uint32_t i = 0; i < 4; ++i) {
    sockaddr_in address{};
    socklen_t length = sizeof(address);
    ASSERT_EQ(getsockname(listeners->socket_of(0, i), reinterpret_cast<sockaddr*>(&address), &length), 0);
    EXPECT_EQ(ntohs(address.sin_port), entry.port);
    different.insert(listeners->socket_of(0, i));
  }
  EXPECT_EQ(different.size(), 4u);
  EXPECT_EQ(listeners->socket_of(0, 4), -1);
}

TEST(Listeners, ConnectionsReachEveryWorkersSocket) {
  auto listeners = open("127.0.0.1:0", 3);
  ASSERT_TRUE(listeners.has_value());
  std::vector<Client> clients;
  std::set<int> reached;
  for (int i = 0; i < 400 && reached.size() < 3; ++i) {
    clients.push_back(Client::tcp("127.0.0.1", listeners->entries()[0].port));
    ASSERT_TRUE(clients.back().ok());
    for (const int socket : listeners->entries()[0].sockets) {
      const int accepted = accept_now(socket);
      if (accepted < 0) continue;
      reached.insert(socket);
      ::close(accepted);
    }
  }
  EXPECT_EQ(reached.size(), 3u);
}

TEST(Listeners, ASecondGatewayIsRefused) {
  for (const uint32_t workers : {1u, 4u}) {
    auto first = open("127.0.0.1:0", workers);
    ASSERT_TRUE(first.has_value());
    const std::string address = "127.0.0.1:" + std::to_string(first->entries()[0].port);
    for (const uint32_t second_workers : {1u, 4u}) {
      const auto second = open(address, second_workers);
      ASSERT_FALSE(second.has_value()) << "SO_REUSEPORT let it in";
      EXPECT_EQ(second.error(),
                "cannot listen on " + address +
                    " (--web.listen-address): Address already in use; another program, perhaps a second "
                    "gateway, has this port");
    }
    first->close_all();
    EXPECT_TRUE(open(address, workers).has_value()) << "free again at once";
  }
}

TEST(Listeners, ARestartNeedNotWaitForOldConnections) {
  auto first = open("127.0.0.1:0", 2);
  ASSERT_TRUE(first.has_value());
  const uint16_t port = first->entries()[0].port;
  Client client = Client::tcp("127.0.0.1", port);
  for (const int socket : first->entries()[0].sockets) {
    const int accepted = accept_now(socket);
    if (accepted >= 0) ::close(accepted);  // our side closes first: it gets TIME_WAIT
  }
  client.close();
  first->close_all();
  EXPECT_TRUE(open("127.0.0.1:" + std::to_string(port), 2).has_value());
}

TEST(Listeners, OneSocketForBothFamilies) {
  for (const char* address : {":0", "[::]:0"}) {
    auto listeners = open(address);
    ASSERT_TRUE(listeners.has_value()) << listeners.error();
    const uint16_t port = listeners->entries()[0].port;
    EXPECT_TRUE(Client::tcp("127.0.0.1", port).ok()) << address;
    if (has_ipv6()) {
      EXPECT_TRUE(Client::tcp("::1", port).ok()) << address;
    }
  }
}

TEST(Listeners, Ipv4AloneWhereIpv6IsOff) {
  using testing_support::Refusal;
  const Refusal no_ipv6{.number = SYS_socket, .error = EAFNOSUPPORT, .argument = 0, .value = AF_INET6};
  const std::string answer = testing_support::in_child({no_ipv6}, [] {
    auto listeners = open(":0", 2);
    if (!listeners) return listeners.error();
    const Listeners::Entry& entry = listeners->entries()[0];
    const bool reached = Client::tcp("127.0.0.1", entry.port).ok();
    return (reached ? "reached on " : "not reached on ") + entry.bound.substr(0, entry.bound.rfind(':')) + ", " +
           entry.note;
  });
  EXPECT_EQ(answer,
            "reached on 0.0.0.0, IPv4 alone, because IPv6 is off here (Address family not supported by protocol)");
}

TEST(Listeners, OneFamilyWhenAskedForOne) {
  auto four = open("127.0.0.1:0");
  ASSERT_TRUE(four.has_value());
  EXPECT_FALSE(Client::tcp("::1", four->entries()[0].port).ok());
  if (!has_ipv6()) GTEST_SKIP() << "NOT RUN: IPv6: it is off here";
  auto six = open("[::1]:0");
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(six->entries()[0].bound, "[::1]:" + std::to_string(six->entries()[0].port));
  EXPECT_TRUE(Client::tcp("::1", six->entries()[0].port).ok());
  EXPECT_FALSE(Client::tcp("127.0.0.1", six->entries()[0].port).ok());
}

TEST(Listeners, SeveralAddressesOrNone) {
  const std::string path = testing::TempDir() + "sluice_several_" + std::to_string(getpid()) + ".sock";
  auto both =
      Listeners::open({*parse_listen_address("127.0.0.1:0"), *parse_listen_address("unix://" + path)}, {.workers = 2});
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->entries().size(), 2u);
  EXPECT_EQ(both->socket_of(1, 1), -1) << "a Unix socket is worker 0's";
  const std::string taken = "127.0.0.1:" + std::to_string(both->entries()[0].port);
  const auto none = Listeners::open({*parse_listen_address("127.0.0.1:0"), *parse_listen_address(taken)}, {});
  EXPECT_FALSE(none.has_value());
}

TEST(Listeners, UnresolvableHostsAndForeignAddresses) {
  const auto unknown = open("no-such-host.invalid:9091");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_TRUE(
      unknown.error().starts_with("cannot listen on no-such-host.invalid:9091 (--web.listen-address): cannot resolve"));
  const auto foreign = open("192.0.2.1:0");
  ASSERT_FALSE(foreign.has_value());
  EXPECT_TRUE(contains(foreign.error(), "Cannot assign requested address")) << foreign.error();
}

class UnixListeners : public testing::Test {
 protected:
  ~UnixListeners() override { ::unlink(path_.c_str()); }
  const std::string path_ = testing::TempDir() + "sluice_unix_" + std::to_string(getpid()) + ".sock";
  const std::string address_ = "unix://" + path_;
};

TEST_F(UnixListeners, ListensWithTheModeAndRemovesTheFile) {
  const mode_t before = umask(0077);
  auto listeners = open(address_, 3, 0666);
  umask(before);
  ASSERT_TRUE(listeners.has_value()) << listeners.error();
  struct stat status{};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0666u);
  EXPECT_TRUE(Client::unix_path(path_).ok());
  listeners->close_all();
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(UnixListeners, RefusesALiveSocketEvenWithAFullQueue) {
  auto first = open(address_);
  ASSERT_TRUE(first.has_value());
  ASSERT_EQ(::listen(first->socket_of(0, 0), 0), 0);
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    const auto second = open(address_);
    ASSERT_FALSE(second.has_value());
    EXPECT_TRUE(contains(second.error(), "listens on this socket")) << second.error();
  }
}

TEST_F(UnixListeners, RemovesAStaleSocket) {
  {
    auto crashed = open(address_);
    ASSERT_TRUE(crashed.has_value());
    ::close(crashed->socket_of(0, 0));
    crashed->release_all();
    ASSERT_EQ(::rename(path_.c_str(), (path_ + ".kept").c_str()), 0);  // so that it does not remove its file
  }
  ASSERT_EQ(::rename((path_ + ".kept").c_str(), path_.c_str()), 0);
  EXPECT_EQ(Client::unix_path(path_).error(), ECONNREFUSED);
  auto next = open(address_);
  ASSERT_TRUE(next.has_value()) << next.error();
  EXPECT_TRUE(Client::unix_path(path_).ok());
}

TEST_F(UnixListeners, NeverTouchesAFileThatIsNoSocket) {
  std::ofstream(path_) << "precious";
  const auto refused = open(address_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(contains(refused.error(), "not a socket")) << refused.error();
  EXPECT_EQ(access(path_.c_str(), F_OK), 0);
}

TEST_F(UnixListeners, LeavesAFileThatSomebodyElsePutThere) {
  auto ours = open(address_);
  ASSERT_TRUE(ours.has_value());
  ::unlink(path_.c_str());
  auto theirs = open(address_);
  ASSERT_TRUE(theirs.has_value());
  ours->close_all();
  EXPECT_TRUE(Client::unix_path(path_).ok());
}

TEST(Listeners, InheritedDescriptors) {
  auto parent = open("127.0.0.1:0");
  ASSERT_TRUE(parent.has_value());
  ListenAddress address;
  address.kind = Kind::kInherited;
  address.text = "descriptor 3";
  address.descriptor = ::dup(parent->socket_of(0, 0));
  auto listeners = Listeners::open({address}, {.workers = 2});
  ASSERT_TRUE(listeners.has_value()) << listeners.error();
  EXPECT_EQ(listeners->entries()[0].port, parent->entries()[0].port);
  // Each worker has a descriptor of its own; the given one stays open for a second start.
  EXPECT_GE(listeners->socket_of(0, 0), 0);
  EXPECT_GE(listeners->socket_of(0, 1), 0);
  EXPECT_NE(listeners->socket_of(0, 0), listeners->socket_of(0, 1));
  listeners->close_all();
  EXPECT_TRUE(Listeners::open({address}, {.workers = 1}).has_value());
  ::close(address.descriptor);
  address.descriptor = ::dup(2);
  const auto refused = Listeners::open({address}, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(contains(refused.error(), "not a listening socket"));
  ::close(address.descriptor);
}

}  // namespace
}  // namespace sluice::net::loop
