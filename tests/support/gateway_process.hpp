/// `handoff serve` as a process of its own, to be started, killed and started again on the same database.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace support {

class GatewayProcess {
 public:
  /// `configuration` and `log` are paths; the log is appended to at each start.
  GatewayProcess(std::string configuration, std::string log);
  ~GatewayProcess();
  GatewayProcess(GatewayProcess const&) = delete;
  GatewayProcess& operator=(GatewayProcess const&) = delete;

  /// Returns once it said "ready". Throws std::runtime_error with what it said instead.
  void start();
  /// SIGKILL, and waits until nothing of it is left.
  void kill();
  /// SIGTERM. Its exit code; nullopt when it was still there after `patience` (it is killed then) or died by
  /// a signal.
  std::optional<int> stop(std::chrono::milliseconds patience);

  bool is_running() const { return pid_ > 0; }
  /// Of this start: each start gets ports of its own.
  std::uint16_t mllp_port(std::string const& listener) const { return mllp_ports_.at(listener); }
  std::string const& base_url() const { return base_url_; }
  std::uint16_t admin_port() const { return admin_port_; }  ///< 0: it serves no operators.
  void reload();                                            ///< SIGHUP

 private:
  void read_announcement(int from);

  std::string configuration_;
  std::string log_;
  std::string base_url_;
  std::uint16_t admin_port_ = 0;
  std::map<std::string, std::uint16_t> mllp_ports_;
  pid_t pid_ = -1;
  int output_ = -1;
};

/// Runs `handoff` with these arguments to its end; the exit code, its output into `log`.
int run_handoff(std::vector<std::string> const& arguments, std::string const& log);

}  // namespace support
