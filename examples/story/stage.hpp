/// The stage of the story: a running gateway and the three partners around it, each with its own transcript.
#pragma once

#include "examples/partners/fhir.hpp"
#include "examples/partners/mllp.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace story {

struct Arguments {
  std::string handoff;        ///< The program.
  std::string configuration;  ///< examples/handoff.yaml with its @...@
  std::string folder;         ///< Database, certificates, transcripts.
  bool once = false;
};

/// What the script expected to read and did not; the story ends with it.
struct Unexpected {
  std::string what;
};

void expect(bool holds, std::string const& fact);

class Stage {
 public:
  explicit Stage(Arguments const& arguments);
  ~Stage();

  /// One line of the story: who did what, and what the record says now.
  void say(std::string const& line);

  partners::FhirClient& riverside() { return *riverside_; }
  partners::HookSink& hook() { return *hook_; }
  partners::MllpSink& clinic() { return *clinic_; }
  /// Sends as the clinic or the hospital; fails unless the answer is AA to this message.
  void clinic_sends(std::string const& message);
  void hospital_sends(std::string const& message);

  std::string const& base_url() const { return base_url_; }
  /// Differs from run to run, so that a second run on the same database tells a new story.
  std::string const& run() const { return run_; }
  /// Of the story's own clock: v2 (YYYYMMDDHHMMSS+0000) and FHIR (YYYY-MM-DDThh:mm:ssZ), `hours` from now.
  std::string dtm(int hours = 0) const;
  std::string date_time(int hours = 0) const;
  std::string control_id();

  void keep_running();  ///< Until the gateway ends.

 private:
  void start_gateway(Arguments const& arguments);
  void send(std::uint16_t port, partners::Certificates const& certificates, partners::Transcript& transcript,
            std::string const& message);

  std::string run_;
  std::atomic<int> next_control_id_{0};  // also the clinic acknowledges, on its own thread
  partners::Certificates clinic_certificates_;
  std::unique_ptr<partners::Transcript> riverside_transcript_, clinic_transcript_, hospital_transcript_;
  std::unique_ptr<partners::HookSink> hook_;
  std::unique_ptr<partners::MllpSink> clinic_;
  std::unique_ptr<partners::FhirClient> riverside_;
  std::string base_url_;
  std::uint16_t clinic_port_ = 0;
  std::uint16_t hospital_port_ = 0;
  pid_t gateway_ = -1;
};

/// Tries until `holds` or the patience of a person at a screen is over.
bool eventually(std::function<bool()> const& holds);

}  // namespace story
