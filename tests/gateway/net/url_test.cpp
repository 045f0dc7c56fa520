#include "gateway/net/url.hpp"

#include <gtest/gtest.h>

namespace gateway::net {
namespace {

TEST(Url, ReadsSchemeHostPortAndTarget) {
  auto const plain = parse_url("HTTP://Example.ORG");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->origin, (Origin{"http", "example.org", 80}));
  EXPECT_EQ(plain->target, "/");
  auto const full = parse_url("https://a-b.example:8443/fhir/x?y=%20z");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->origin, (Origin{"https", "a-b.example", 8443}));
  EXPECT_EQ(full->target, "/fhir/x?y=%20z");
  auto const query = parse_url("https://h?x");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->target, "/?x");
  auto const v6 = parse_url("http://[2001:DB8::1]:81/");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->origin, (Origin{"http", "2001:db8::1", 81}));
}

TEST(Url, RefusesWhatIsNotPlainlyOneHost) {
  for (auto const* text : {"",
                           "example.org",
                           "ftp://x/",
                           "file:///etc/passwd",
                           "http:///x",
                           "http://",
                           "http://user@h/",
                           "http://u:p@h/",
                           "http://h:0/",
                           "http://h:65536/",
                           "http://h:/",
                           "http://h:8x/",
                           "http://h:-1/",
                           "http://h/a b",
                           "http://h/\n",
                           "http://h/#f",
                           "http://h\\@evil/",
                           "http://2130706433/",
                           "http://0x7f000001/",
                           "http://0x7f.1/",
                           "http://127.1/",
                           "http://0177.0.0.1/",
                           "http://1.2.3.4.5/",
                           "http://256.1.1.1/",
                           "http://[::1",
                           "http://[x]/",
                           "http://[fe80::1%25eth0]/",
                           "http://h..x/",
                           "http://.h/",
                           "http://h\xc3\xa9/",
                           "http://127.0.0.1./"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(Url, WritesTheHostHeader) {
  EXPECT_EQ(to_host_header({"http", "h", 80}), "h");
  EXPECT_EQ(to_host_header({"https", "h", 80}), "h:80");
  EXPECT_EQ(to_host_header({"https", "::1", 443}), "[::1]");
}

TEST(Url, KnowsLoopback) {
  EXPECT_TRUE(is_loopback(parse_url("http://localhost/")->origin));
  EXPECT_TRUE(is_loopback(parse_url("http://127.8.0.1/")->origin));
  EXPECT_TRUE(is_loopback(parse_url("http://[::1]/")->origin));
  EXPECT_TRUE(is_loopback(parse_url("http://[::ffff:127.0.0.1]/")->origin));
  EXPECT_FALSE(is_loopback(parse_url("http://localhost.example/")->origin));
  EXPECT_FALSE(is_loopback(parse_url("http://192.0.2.1/")->origin));
}

}  // namespace
}  // namespace gateway::net
