/// The gateway between a practice that refers over FHIR and clinics that receive v2, for tests of what goes
/// out.
#pragma once

#include "examples/partners/fhir.hpp"
#include "tests/support/database.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/scripted_receiver.hpp"
#include "tests/support/temp_folder.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace faults {

/// A clinic that is sent referrals, and how patient the gateway is with it.
struct Clinic {
  std::string name;
  std::uint16_t port = 0;
  int ack_timeout_ms = 120'000;
  int error_retries = 5;
  std::string more = {};      ///< Further lines of its profile.
  std::string delivery = {};  ///< Further lines of its delivery settings.
};

/// A row of the outbox as the database file has it.
struct Sent {
  std::string control_id;
  std::string bytes;
  std::string order_key;
  std::string outcome;
  int state = 0;
  int attempts = 0;
  int resent = 0;
};

// The outbox states of gateway/store/sql/0002_messages.sql.
inline constexpr int kWaiting = 0;
inline constexpr int kInFlight = 1;
inline constexpr int kDelivered = 2;
inline constexpr int kUnconfirmed = 3;
inline constexpr int kStopped = 4;

class Outbound : public ::testing::Test {
 protected:
  /// Writes the configuration, starts the gateway and registers the practice and its clinics.
  void open(std::vector<Clinic> const& clinics);
  /// kill -9 and start again.
  void restart();
  void start();

  std::string create_patient(std::string const& family);
  /// Posts ServiceRequest and Task, as examples/story does; the ServiceRequest's reference.
  std::string refer(std::string const& patient, std::string const& number, std::string const& clinic);
  partners::FhirClient& client() { return *client_; }
  support::GatewayProcess& gateway() { return *gateway_; }

  /// The outbox rows to that destination, oldest first.
  std::vector<Sent> outbox(std::string const& destination);
  bool wait_until_delivered(std::string const& destination, std::size_t count);
  /// One sample of /metrics, as it is printed there: "handoff_delivery_loops_total"; "" when it is not there.
  std::string metric(std::string const& name);
  /// The state of the referral with that number, by $referral-record.
  std::string state_of(std::string const& service_request);

  support::TempFolder folder_;

 private:
  std::unique_ptr<support::GatewayProcess> gateway_;
  std::unique_ptr<partners::Transcript> transcript_;
  std::unique_ptr<partners::FhirClient> client_;
  int restarts_ = 0;
};

/// The referral number in a REF^I12.
std::string number_of(support::Arrival const& arrival);
/// The numbers of all arrivals in order, repeats of one message left out.
std::vector<std::string> numbers_of(std::vector<support::Arrival> const& arrivals);

}  // namespace faults
