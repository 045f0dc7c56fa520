#include "gateway/net/mllp_framer.hpp"

#include "fhir/json/reader.hpp"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <vector>

namespace gateway::net {
namespace {

using Kind = FramerEvent::Kind;

std::filesystem::path corpus() { return std::filesystem::path(HANDOFF_SHARED_DIR) / "corpora" / "mllp"; }

std::string read_file(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string to_sha256(std::string const& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size(), digest);
  std::string hex;
  for (auto const byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

/// F frame, D damaged, J junk, L lost; "w" behind a frame that carries a warning.
struct Outcome {
  std::string events;
  std::vector<std::string> frames;
  std::string everything;  // all bytes and issues of all events, to compare cuts with

  friend bool operator==(Outcome const&, Outcome const&) = default;
};

void take(MllpFramer& framer, Outcome& outcome) {
  while (auto event = framer.next()) {
    outcome.events += "FDJL"[static_cast<int>(event->kind)];
    if (event->kind == Kind::frame && !event->issues.empty()) outcome.events += 'w';
    if (event->kind == Kind::frame) outcome.frames.push_back(event->bytes);
    outcome.everything += event->bytes + "#" + std::to_string(event->bytes_total);
    for (auto const& issue : event->issues) outcome.everything += "#" + fhir::to_line(issue);
  }
}

enum class End { closed, silent };

Outcome run(FramerOptions options, std::vector<std::string_view> const& pieces, End end) {
  MllpFramer framer(options);
  Outcome outcome;
  for (auto const piece : pieces) {
    framer.feed(piece);
    take(framer, outcome);
  }
  if (end == End::silent) framer.on_idle();
  framer.finish();
  take(framer, outcome);
  return outcome;
}

FramerOptions with(Framing framing) {
  FramerOptions options;
  options.framing = framing;
  return options;
}

struct Expected {
  std::string lenient = "F";
  std::string strict = "F";
};

/// The manifest's words as events. What is not listed is one clean frame in both: its content is the HL7
/// layer's affair.
std::map<std::string, Expected> const kExpected{
    {"02", {"FFF", "FFF"}},                                             // pipelined
    {"03", {"L", "L"}},                                                 // reject unless opted in
    {"04", {"Fw", "L"}},    {"05", {"FwF", "L"}}, {"06", {"Fw", "L"}},  // accepted at EOF or silence
    {"07", {"JF", "L"}},    {"08", {"JF", "L"}},  {"09", {"FJ", "FL"}}, {"10", {"D", "L"}},  // never AA
    {"11", {"D", "L"}},     {"12", {"FJ", "FL"}},  // first part is a frame, the rest stands outside
    {"13", {"J", "L"}},     {"14", {"L", "L"}},   {"15", {"L", "L"}},   {"16", {"L", "L"}},
    {"17", {"Fw", "L"}},    {"18", {"FwJ", "L"}}, {"22", {"L", "L"}},   {"23", {"L", "L"}},
    {"24", {"Fw", "Fw"}},                                              // byte order mark: strip and warn
    {"25", {"D", "D"}},                                                // UTF-16
    {"30", {"FF", "FF"}},   {"31", {"FF", "FF"}}, {"44", {"L", "L"}},  // an answer without a frame: fed to
                                                                       // the client as well
};

struct Vector {
  std::string number;
  std::string bytes;
  std::vector<std::string> sha256;
};

std::vector<Vector> load_vectors() {
  auto const text = read_file(corpus() / "manifest.json");
  fhir::json::Arena arena;
  auto const manifest = fhir::json::read(text, arena);
  std::vector<Vector> vectors;
  if (!manifest) return vectors;
  for (auto const& entry : manifest->find("vectors")->items()) {
    std::string const file(entry.text_at("file"));
    Vector vector{file.substr(file.find('/') + 1, 2), read_file(corpus() / file), {}};
    for (auto const& sha : entry.find("payload_sha256")->items()) vector.sha256.emplace_back(sha.text());
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

class MllpCorpus : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(corpus())) GTEST_SKIP() << "no corpora at " << corpus();
    vectors_ = load_vectors();
    ASSERT_EQ(vectors_.size(), 50U);
  }

  void check(Framing framing) {
    for (auto const& vector : vectors_) {
      auto const expected = kExpected.contains(vector.number) ? kExpected.at(vector.number) : Expected{};
      auto const& events = framing == Framing::lenient ? expected.lenient : expected.strict;
      auto const whole = run(with(framing), {vector.bytes}, End::closed);
      EXPECT_EQ(whole.events, events) << vector.number;
      check_cuts(vector, framing, whole);
    }
  }

  static void check_cuts(Vector const& vector, Framing framing, Outcome const& whole) {
    std::string_view const bytes = vector.bytes;
    std::vector<std::string_view> single;
    for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
    EXPECT_EQ(run(with(framing), single, End::closed), whole) << vector.number << " bytewise";
    EXPECT_EQ(run(with(framing), single, End::silent), whole) << vector.number << " bytewise, then silence";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      ASSERT_EQ(run(with(framing), {bytes.substr(0, cut), bytes.substr(cut)}, End::closed), whole)
          << vector.number << " cut at " << cut;
    }
  }

  std::vector<Vector> vectors_;
};

TEST_F(MllpCorpus, LenientColumnHoldsWholeBytewiseAndCutAnywhere) { check(Framing::lenient); }

TEST_F(MllpCorpus, StrictColumnHoldsWholeBytewiseAndCutAnywhere) { check(Framing::strict); }

TEST_F(MllpCorpus, PayloadsAreTheManifestsByteForByte) {
  std::size_t compared = 0;
  for (auto const& vector : vectors_) {
    auto options = with(Framing::lenient);
    options.accept_unframed = vector.number == "03";
    auto const frames = run(options, {vector.bytes}, End::closed).frames;
    ASSERT_GE(frames.size(), vector.sha256.size()) << vector.number;
    for (std::size_t i = 0; i < vector.sha256.size(); ++i, ++compared) {
      EXPECT_EQ(to_sha256(frames[i]), vector.sha256[i]) << vector.number;
    }
  }
  EXPECT_EQ(compared, 18U);
}

TEST(MllpFramer, OptInTakesAMessageWithoutAStartBlockAndWarns) {
  auto options = with(Framing::lenient);
  options.accept_unframed = true;
  std::string const bytes = "\r\nMSH|^~\\&|A\r\x1c\r\x0bMSH|B\r\x1c\r";
  auto const whole = run(options, {bytes}, End::closed);
  EXPECT_EQ(whole.events, "JFwF");
  EXPECT_EQ(whole.frames, (std::vector<std::string>{"MSH|^~\\&|A\r", "MSH|B\r"}));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    auto const view = std::string_view(bytes);
    EXPECT_EQ(run(options, {view.substr(0, cut), view.substr(cut)}, End::closed), whole) << cut;
  }
  EXPECT_EQ(run(options, {"MSH|no end"}, End::silent).events, "Fw");
}

TEST(MllpFramer, AFrameOfExactlyTheLimitPassesAndOneByteMoreIsLost) {
  auto options = with(Framing::lenient);
  options.frame_bytes = 8;
  EXPECT_EQ(run(options, {"\x0bMSH|5678\x1c\r"}, End::closed).events, "F");
  EXPECT_EQ(run(options, {"\x0bMSH|56789\x1c\r"}, End::closed).events, "L");
}

TEST(MllpFramer, JunkIsCountedTheFirst256BytesAreKeptAndBeyond4KiBTheStreamIsLost) {
  std::string const junk(4096, 'x');
  MllpFramer framer;
  framer.feed(junk);
  EXPECT_FALSE(framer.next());
  framer.feed("\x0b");
  auto const event = framer.next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Kind::junk);
  EXPECT_EQ(event->bytes, junk.substr(0, 256));
  EXPECT_EQ(event->bytes_total, 4096U);

  MllpFramer other;
  other.feed(junk + "x");
  auto const lost = other.next();
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->kind, Kind::lost);
  EXPECT_EQ(lost->bytes_total, 4097U);
  other.feed("\x0bMSH|1\r\x1c\r");
  EXPECT_FALSE(other.next()) << "nothing comes after lost";
}

TEST(MllpFramer, NamesHttpAndTlsInsteadOfCallingThemJunk) {
  MllpFramer http;
  http.feed("POST /x");
  EXPECT_NE(http.next()->issues.back().diagnostics.find("HTTP"), std::string::npos);
  MllpFramer tls;
  tls.feed(std::string_view("\x16\x03\x01\x00", 4));
  EXPECT_NE(tls.next()->issues.back().diagnostics.find("TLS"), std::string::npos);
}

TEST(MllpFramer, ADamagedFrameKeepsItsBytesAndSaysWhyLast) {
  MllpFramer framer;
  framer.feed("\x0b\x0bMSH|a\x0bMSH|b\x1c\r\x0bMSH|c\x1c\r");
  auto const damaged = framer.next();
  ASSERT_TRUE(damaged);
  EXPECT_EQ(damaged->kind, Kind::damaged);
  EXPECT_EQ(damaged->bytes, "MSH|a\x0bMSH|b");
  ASSERT_EQ(damaged->issues.size(), 2U);
  EXPECT_EQ(damaged->issues.back().severity, fhir::Severity::error);
  auto const next = framer.next();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->bytes, "MSH|c") << "the stream is in step again";
}

TEST(MllpFramer, TellsWhenTheReadTimeoutAppliesAndWhenSilenceEndsAFrame) {
  MllpFramer framer;
  EXPECT_FALSE(framer.inside_frame());
  framer.feed("\x0bMSH");
  EXPECT_TRUE(framer.inside_frame());
  EXPECT_FALSE(framer.ends_on_idle());
  framer.on_idle();
  EXPECT_FALSE(framer.next()) << "silence inside a message ends nothing";
  framer.feed("\x1c");
  EXPECT_TRUE(framer.inside_frame());
  EXPECT_TRUE(framer.ends_on_idle());
  framer.on_idle();
  EXPECT_TRUE(framer.next());
  EXPECT_FALSE(framer.inside_frame());
  framer.feed("\r\x0bMSH|2\x1c\r");
  EXPECT_EQ(framer.next()->kind, Kind::junk) << "the CR that came after all";
  EXPECT_EQ(framer.next()->bytes, "MSH|2");
}

TEST(MllpFramer, FramesWhatFitsAndKnowsWhatDoesNot) {
  EXPECT_EQ(to_mllp_frame("MSH|1\r"), "\x0bMSH|1\r\x1c\r");
  EXPECT_TRUE(fits_mllp_frame("MSH|1\r"));
  EXPECT_FALSE(fits_mllp_frame("MSH|\x0b"));
  EXPECT_FALSE(fits_mllp_frame("MSH|\x1c"));
}

}  // namespace
}  // namespace gateway::net
