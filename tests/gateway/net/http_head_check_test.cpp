#include "gateway/net/http_head_check.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gateway::net {
namespace {

using namespace std::string_literals;

std::string why(std::string const& head, HeadKind kind = HeadKind::request) {
  auto const checked = check_head(head, kind);
  return checked ? "ok" : checked.error().diagnostics.substr(checked.error().diagnostics.find(": ") + 2);
}

std::string get_with(std::string const& fields) { return "GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n"; }

TEST(HeadCheck, PassesAnOrdinaryRequestAndSaysHowItIsFramed) {
  std::string const text =
      "POST /fhir/Patient?x=1 HTTP/1.1\r\nHost: example.org:8080\r\nContent-Length: 12\r\nExpect: "
      "100-Continue\r\n"
      "Connection: foo, Close\r\n\r\n";
  auto const head = check_head(text, HeadKind::request);
  ASSERT_TRUE(head) << head.error().diagnostics;
  EXPECT_EQ(head->method, "POST");
  EXPECT_EQ(head->target, "/fhir/Patient?x=1");
  EXPECT_EQ(head->host, "example.org:8080");
  EXPECT_EQ(head->content_length, 12U);
  EXPECT_FALSE(head->chunked);
  EXPECT_TRUE(head->expects_continue);
  EXPECT_TRUE(head->close);
}

TEST(HeadCheck, Http10ClosesUnlessItAsksToStay) {
  auto const closing = check_head("GET / HTTP/1.0\r\nHost: x\r\n\r\n", HeadKind::request);
  auto const staying =
      check_head("GET / HTTP/1.0\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n", HeadKind::request);
  EXPECT_TRUE(closing->close);
  EXPECT_FALSE(staying->close);
}

// Every shape of security.md section 2 and its neighbours.
TEST(HeadCheck, RefusesEverySmugglingShapeAndNamesTheRule) {
  EXPECT_EQ(why(get_with("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n")),
            "a Transfer-Encoding other than chunked");
  EXPECT_EQ(why(get_with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")),
            "both Transfer-Encoding and Content-Length");
  EXPECT_EQ(why(get_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
            "both Transfer-Encoding and Content-Length");
  EXPECT_EQ(why("POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "Transfer-Encoding on HTTP/1.0");
  for (auto const* value : {"xchunked", "chunked, identity", "identity, chunked", "chunked;q=1",
                            "\"chunked\"", "", "chunked,", "x\tchunked"}) {
    EXPECT_EQ(why(get_with("Transfer-Encoding: "s + value + "\r\n")),
              "a Transfer-Encoding other than chunked")
        << value;
  }
  EXPECT_EQ(why(get_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
            "Transfer-Encoding twice");
  EXPECT_EQ(why(get_with("Transfer-Encoding:\r\n chunked\r\n")), "a Transfer-Encoding other than chunked");
  EXPECT_EQ(why(get_with("X: a\r\n b\r\n")), "a folded line");
  EXPECT_EQ(why(get_with("X: a\r\n\tTransfer-Encoding: chunked\r\n")), "a folded line");
  for (auto const* value : {"5, 5", "5,5", "+5", "-5", "0x5", "5 5", "5a", "", "1234567890123456789"}) {
    EXPECT_EQ(why(get_with("Content-Length: "s + value + "\r\n")),
              "a Content-Length that is not one number of at most 18 digits")
        << value;
  }
  EXPECT_EQ(why(get_with("Content-Length: 5\r\nContent-Length: 5\r\n")), "Content-Length twice");
  EXPECT_EQ(why("GET / HTTP/1.1\r\n\r\n"), "no Host");
  EXPECT_EQ(why("GET / HTTP/1.0\r\n\r\n"), "no Host");
  EXPECT_EQ(why(get_with("host: x\r\n")), "Host twice");
  EXPECT_EQ(why("GET / HTTP/1.1\r\nHost: \r\n\r\n"), "a Host that is no host");
  EXPECT_EQ(why("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), "a Host that is no host");
  EXPECT_EQ(why("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), "a Host that is no host");
}

TEST(HeadCheck, RefusesBareLineEndsControlsAndCrookedLines) {
  EXPECT_EQ(why("GET / HTTP/1.1\nHost: x\r\n\r\n"), "LF without CR");
  EXPECT_EQ(why(get_with("X: a\nY: b\r\n")), "LF without CR");
  EXPECT_EQ(why(get_with("X: a\rY: b\r\n")), "CR without LF");
  EXPECT_EQ(why(get_with("X: a\0b\r\n"s)), "a control character");
  EXPECT_EQ(why(get_with("X: a\x0b"
                         "b\r\n")),
            "a control character");
  EXPECT_EQ(why(get_with("X: a\x7f\r\n")), "a control character");
  auto const name_rule = "a field name that is no token, or a space before the colon";
  EXPECT_EQ(why(get_with("Transfer-Encoding : chunked\r\n")), name_rule);
  EXPECT_EQ(why(get_with("Transfer-Encoding\t: chunked\r\n")), name_rule);
  EXPECT_EQ(why(get_with(": x\r\n")), name_rule);
  EXPECT_EQ(why(get_with("X(y): x\r\n")), name_rule);
  EXPECT_EQ(why(get_with("no colon\r\n")), "a line without a colon");
  EXPECT_EQ(why("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), "a space, control or non-ASCII byte in the target");
  EXPECT_EQ(why("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"), "a space, control or non-ASCII byte in the target");
  EXPECT_EQ(why("GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n"),
            "a space, control or non-ASCII byte in the target");
  EXPECT_EQ(why("G(T / HTTP/1.1\r\nHost: x\r\n\r\n"), "the method is no token");
  EXPECT_EQ(why("GET /\r\nHost: x\r\n\r\n"), "the request line is not method, target, version");
  EXPECT_EQ(why("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), "an empty first line");
  for (auto const* version : {"HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "http/1.1", "HTTP/1.1x"}) {
    EXPECT_EQ(why("GET / "s + version + "\r\nHost: x\r\n\r\n"), "a version other than HTTP/1.0 and HTTP/1.1")
        << version;
  }
  EXPECT_EQ(why("GET / HTTP/1.1\r\nHost: x\r\n"), "no empty line at its end");
}

TEST(HeadCheck, BoundsTheNumberOfFields) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X: y\r\n";
  EXPECT_EQ(why(get_with(fields)), "ok");
  auto const over = check_head(get_with(fields + "X: y\r\n"), HeadKind::request);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, fhir::IssueType::too_long);
}

TEST(HeadCheck, ChecksResponsesByTheSameRules) {
  auto const head = check_head("HTTP/1.1 204\r\nContent-Length: 0\r\n\r\n", HeadKind::response);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 204);
  EXPECT_EQ(
      why("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", HeadKind::response),
      "both Transfer-Encoding and Content-Length");
  EXPECT_EQ(why("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", HeadKind::response), "a folded line");
  EXPECT_EQ(why("HTTP/1.1 099 OK\r\n\r\n", HeadKind::response), "the status is not 100 to 599");
  EXPECT_EQ(why("HTTP/1.1 2x0 OK\r\n\r\n", HeadKind::response), "the status is not 100 to 599");
  EXPECT_EQ(why("ICY 200 OK\r\n\r\n", HeadKind::response), "the status line is not version, status, reason");
}

TEST(HeadCheck, FindsTheEndOfAHeadWhereverTheBytesAreCut) {
  std::string const text = "GET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
  for (std::size_t cut = 0; cut + 4 < text.size(); ++cut) {
    auto const first = find_head_end(std::string_view(text).substr(0, cut));
    ASSERT_TRUE(first);
    EXPECT_EQ(*first, std::string::npos) << cut;
    EXPECT_EQ(*find_head_end(text, cut), text.size() - 4) << cut;
  }
  EXPECT_FALSE(find_head_end("GET / HTTP/1.1\n"));
}

TEST(HeadCheck, KnowsWhatMayBeWrittenIntoAHead) {
  EXPECT_TRUE(is_field_name("X-Request-Id"));
  EXPECT_FALSE(is_field_name("X:"));
  EXPECT_FALSE(is_field_name(""));
  EXPECT_TRUE(is_field_value("W/\"1\"\tx"));
  EXPECT_FALSE(is_field_value("a\r\nSet-Cookie: b"));
  EXPECT_FALSE(is_field_value("a\0"s));
}

}  // namespace
}  // namespace gateway::net
