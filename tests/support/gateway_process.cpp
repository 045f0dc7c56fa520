#include "tests/support/gateway_process.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <signal.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace support {

namespace {

using namespace std::chrono_literals;

int open_log(std::string const& path) {
  int const log = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) throw std::runtime_error("cannot write " + path);
  return log;
}

/// The program of this build, or the one that the environment names: a release build under the same tests.
std::string program_path() {
  char const* const other = std::getenv("HANDOFF_PROGRAM");
  return other == nullptr ? HANDOFF_PROGRAM : other;
}

/// Starts the program. Everything is prepared before the fork: the tests have threads, and a child of theirs
/// may only make system calls until it has become another program.
pid_t spawn(std::vector<std::string> arguments, int output, int errors) {
  std::string program = program_path();
  std::vector<char*> argv{program.data()};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t const pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is ended from outside leaves no gateway behind
    dup2(output, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

GatewayProcess::GatewayProcess(std::string configuration, std::string log)
    : configuration_(std::move(configuration)), log_(std::move(log)) {}

GatewayProcess::~GatewayProcess() {
  if (is_running()) kill();
}

void GatewayProcess::start() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
  int const log = open_log(log_);
  pid_ = spawn({"serve", "--config", configuration_}, ends[1], log);
  close(ends[1]);
  close(log);
  output_ = ends[0];  // stays open: a program whose output nobody reads could die of it
  read_announcement(output_);
}

void GatewayProcess::reload() {
  if (pid_ > 0) ::kill(pid_, SIGHUP);
}

void GatewayProcess::read_announcement(int from) {
  mllp_ports_.clear();
  std::string text;
  std::size_t begin = 0;
  char chunk[256];
  for (;;) {
    auto const count = read(from, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      kill();
      throw std::runtime_error("the gateway did not get ready; it said '" + text + "', more stands in " +
                               log_);
    }
    text.append(chunk, static_cast<std::size_t>(count));
    for (auto end = text.find('\n', begin); end != std::string::npos; end = text.find('\n', begin)) {
      std::string const line = text.substr(begin, end - begin);
      begin = end + 1;
      if (line.starts_with("FHIR   ")) base_url_ = line.substr(7);
      if (line.starts_with("ADMIN  port "))
        admin_port_ = static_cast<std::uint16_t>(std::stoul(line.substr(line.rfind(' ') + 1)));
      if (line.starts_with("MLLP   ")) {
        std::string const name = line.substr(7, line.find(' ', 7) - 7);
        mllp_ports_[name] = static_cast<std::uint16_t>(std::stoul(line.substr(line.rfind(' ') + 1)));
      }
      if (line == "ready") return;
    }
  }
}

void GatewayProcess::kill() {
  ::kill(pid_, SIGKILL);
  wait_for(pid_);
  close(output_);
  pid_ = -1;
}

std::optional<int> GatewayProcess::stop(std::chrono::milliseconds patience) {
  ::kill(pid_, SIGTERM);
  auto const until = std::chrono::steady_clock::now() + patience;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) != pid_) {
    if (std::chrono::steady_clock::now() > until) {
      kill();
      return std::nullopt;
    }
    std::this_thread::sleep_for(5ms);
  }
  close(output_);
  pid_ = -1;
  if (!WIFEXITED(status)) return std::nullopt;
  return WEXITSTATUS(status);
}

int run_handoff(std::vector<std::string> const& arguments, std::string const& log) {
  int const output = open_log(log);
  int const status = wait_for(spawn(arguments, output, output));
  close(output);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace support
