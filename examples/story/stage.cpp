#include "examples/story/stage.hpp"

#include "examples/partners/v2.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace story {

namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;
constexpr auto kLookEvery = 20ms;
// A development token of this example; what the configuration holds is its SHA-256.
constexpr char kRiversideToken[] = "riverside-example-token";
constexpr char kRiversideTokenSha256[] = "af9768cdea09416b9cced12cf863769bf625f02ce8561e49abd44abf47459f80";

std::string format_time(char const* format, int hours) {
  std::time_t const at = std::time(nullptr) + hours * 3600;
  std::tm utc{};
  gmtime_r(&at, &utc);
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &utc)};
}

std::string read_text(std::string const& path) {
  std::ifstream file(path);
  expect(file.good(), "the file " + path + " can be read");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void replace_all(std::string& text, std::string const& what, std::string const& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

void expect(bool holds, std::string const& fact) {
  if (!holds) throw Unexpected{fact};
}

bool eventually(std::function<bool()> const& holds) {
  auto const until = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    if (holds()) return true;
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(kLookEvery);
  }
}

Stage::Stage(Arguments const& arguments) : run_(format_time("%y%m%d%H%M%S", 0)) {
  std::string const transcripts = arguments.folder + "/transcripts";
  std::filesystem::create_directories(transcripts);
  riverside_transcript_ = std::make_unique<partners::Transcript>(transcripts + "/riverside.txt");
  clinic_transcript_ = std::make_unique<partners::Transcript>(transcripts + "/heart-clinic.txt");
  hospital_transcript_ = std::make_unique<partners::Transcript>(transcripts + "/st-marys.txt");
  std::string const certs = arguments.folder + "/certs";
  clinic_certificates_ = {certs + "/heart-clinic.crt", certs + "/heart-clinic.key", certs + "/ca.crt"};

  hook_ = std::make_unique<partners::HookSink>(*riverside_transcript_);
  clinic_ = std::make_unique<partners::MllpSink>(
      clinic_certificates_,
      [this](std::string const& message) {
        return partners::acknowledge(message, "AA", control_id(), dtm());
      },
      *clinic_transcript_);
  start_gateway(arguments);
  riverside_ = std::make_unique<partners::FhirClient>(base_url_, kRiversideToken, *riverside_transcript_);
}

Stage::~Stage() {
  if (gateway_ > 0) {
    kill(gateway_, SIGTERM);
    waitpid(gateway_, nullptr, 0);
  }
}

/// Fills in the configuration, starts the program and reads from its standard output which ports it got.
void Stage::start_gateway(Arguments const& arguments) {
  std::string text = read_text(arguments.configuration);
  std::map<std::string, std::string> const values{{"@STORE@", arguments.folder + "/handoff.db"},
                                                  {"@CERTS@", arguments.folder + "/certs"},
                                                  {"@HTTP_PORT@", "0"},
                                                  {"@CLINIC_IN_PORT@", "0"},
                                                  {"@HOSPITAL_IN_PORT@", "0"},
                                                  {"@CLINIC_OUT_PORT@", std::to_string(clinic_->port())},
                                                  {"@RIVERSIDE_TOKEN_SHA256@", kRiversideTokenSha256}};
  for (auto const& [name, value] : values) replace_all(text, name, value);
  std::string const file = arguments.folder + "/handoff.yaml";
  std::ofstream(file) << text;

  int ends[2];
  expect(pipe(ends) == 0, "a pipe can be made");
  gateway_ = fork();
  if (gateway_ == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    int const log = open((arguments.folder + "/gateway.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(log, STDERR_FILENO);
    execl(arguments.handoff.c_str(), "handoff", "serve", "--config", file.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  FILE* const output = fdopen(ends[0], "r");
  char line[512];
  bool ready = false;
  while (!ready && std::fgets(line, sizeof line, output) != nullptr) {
    std::string text_line(line);
    if (text_line.ends_with('\n')) text_line.pop_back();
    if (text_line.starts_with("FHIR   ")) base_url_ = text_line.substr(7);
    auto const port = [&] {
      return static_cast<std::uint16_t>(std::atoi(text_line.c_str() + text_line.rfind(' ') + 1));
    };
    if (text_line.starts_with("MLLP   clinic ")) clinic_port_ = port();
    if (text_line.starts_with("MLLP   hospital ")) hospital_port_ = port();
    ready = text_line == "ready";
  }
  std::fclose(output);
  expect(ready, "the gateway starts (see " + arguments.folder + "/gateway.log)");
}

void Stage::say(std::string const& line) { std::cout << line << std::endl; }

void Stage::send(std::uint16_t port, partners::Certificates const& certificates,
                 partners::Transcript& transcript, std::string const& message) {
  transcript.write("sent", message);
  std::string const answer = partners::send_mllp(port, certificates, message);
  transcript.write("was answered", answer);
  std::string const code = partners::field(answer, "MSA", 1);
  expect(code == "AA", partners::event_of(message) + " is acknowledged with AA (was " + code + ", " +
                           partners::field(answer, "ERR", 7) + ")");
  expect(partners::field(answer, "MSA", 2) == partners::field(message, "MSH", 10),
         "the acknowledgment names " + partners::field(message, "MSH", 10));
}

void Stage::clinic_sends(std::string const& message) {
  send(clinic_port_, clinic_certificates_, *clinic_transcript_, message);
}

void Stage::hospital_sends(std::string const& message) {
  send(hospital_port_, {}, *hospital_transcript_, message);
}

std::string Stage::dtm(int hours) const { return format_time("%Y%m%d%H%M%S+0000", hours); }
std::string Stage::date_time(int hours) const { return format_time("%Y-%m-%dT%H:%M:%SZ", hours); }
std::string Stage::control_id() { return "S" + run_ + "-" + std::to_string(++next_control_id_); }

void Stage::keep_running() { waitpid(gateway_, nullptr, 0); }

}  // namespace story
