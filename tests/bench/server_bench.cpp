/// The paths that need the whole program: `handoff serve` on loopback, loaded from this process, each against
/// its ceiling in the same run.
///
/// Reads and searches: the server has one core, the client the other. Writes: the server has both.
/// BENCH_RESOURCES: how many Observations the searched store holds (100000); BENCH_MESSAGES: how many
/// messages or creates one round of the durable paths has (1500).
/// Arguments: one path (`ingest`, `create` or `read`) and a number of clients; all without.
#include "fhir/json/reader.hpp"
#include "gateway/store/store.hpp"
#include "tests/bench/bare_server.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/ready_rows.hpp"
#include "tests/support/gateway_process.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using bench::Measured;

constexpr int kServerCore = 0, kClientCore = 1, kAnyCore = -1;
constexpr int kRounds = 3;
constexpr int kCodes = 1000, kPatients = 2000;
constexpr std::size_t kPage = 10;

std::size_t number_from(char const* variable, std::size_t otherwise) {
  char const* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// ---------------------------------------------------------------------------------------------- the server

constexpr char kConfiguration[] = R"(store:
  path: "{}/handoff.db"
http:
  listen: "127.0.0.1:0"
mllp:
  - name: ward
    listen: "127.0.0.1:0"
partners:
  - name: general
    application: GENADT
    facility: GENERAL
    version: 2.5.1
    authorities:
      GENERAL: "urn:oid:1.3.6.1.4.1.32473.50"
      GENERAL-VISITS: "urn:oid:1.3.6.1.4.1.32473.51"
    own_authorities: ["urn:oid:1.3.6.1.4.1.32473.50"]
    organization: Organization/general
)";

/// A folder of its own, gone with it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "handoff-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder can be made at " + pattern);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(Folder const&) = delete;
  Folder& operator=(Folder const&) = delete;
  std::string const& path() const { return path_; }
  std::string database() const { return path_ + "/handoff.db"; }
  void clear() const { bench::remove_store(database()); }

 private:
  std::string path_;
};

/// `handoff serve` on a folder's store.
class Server {
 public:
  Server(Folder const& folder, int core) : process_(write_configuration(folder), folder.path() + "/log") {
    bench::pin(core);
    process_.start();
    bench::pin(core == kAnyCore ? kAnyCore : kClientCore);
    std::ifstream("/proc/self/task/" + std::to_string(getpid()) + "/children") >> pid_;
  }
  ~Server() {
    process_.stop(10s);
    bench::pin(kAnyCore);
  }
  Server(Server const&) = delete;
  Server& operator=(Server const&) = delete;

  std::uint16_t mllp_port() const { return process_.mllp_port("ward"); }
  std::uint16_t http_port() const {
    auto const& url = process_.base_url();
    return static_cast<std::uint16_t>(std::stoul(url.substr(url.find(':', 5) + 1)));
  }
  /// User and system time of the process; 10 ms is the kernel's grain.
  double cpu_seconds() const {
    std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
    std::string word;
    double ticks = 0;
    for (int at = 1; at <= 15 && stat >> word; ++at) {
      if (at >= 14) ticks += std::stod(word);
    }
    return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

 private:
  static std::string write_configuration(Folder const& folder) {
    auto path = folder.path() + "/handoff.yaml";
    std::ofstream(path) << fmt::format(kConfiguration, folder.path());
    return path;
  }

  support::GatewayProcess process_;
  pid_t pid_ = 0;
};

Measured measured(bench::LoadResult result, double cpu_seconds) {
  if (result.bad != 0) throw std::runtime_error("not every answer was good; the first: " + result.first_bad);
  auto const items = static_cast<double>(result.good);
  return {items / result.seconds, cpu_seconds * 1e6 / items, bench::quantile(result.latency_ms, 0.5),
          bench::quantile(result.latency_ms, 0.99)};
}

// ------------------------------------------------------------------------------------------ what is sent

/// An admission of about 1.1 kB: a person, a stay and a contact that are new, staff and beds that are known.
std::string admission(std::size_t n) {
  auto const text = fmt::format(
      "MSH|^~\\&|GENADT|GENERAL|HANDOFF|HANDOFF|20250302160000+0000||ADT^A01^ADT_A01|B{0:08}|P|2.5.1\r"
      "EVN|A01|20250302155500+0000|||771^Novak^Ivana|20250302154000+0000\r"
      "PID|1||{0:07}^^^GENERAL^MR||Family{1}^Given{2}^Q^^Mrs^^L||19{3:02}02{4:02}|F||2106-3^White^HL70005|{1}"
      " Hill "
      "Road^^Millbrook^NY^12545^USA^H||^PRN^PH^^1^845^555{5:04}|^WPN^PH^^1^845^556{5:04}|rus^Russian^HL70296|"
      "W^Widowed^HL70002|||||||||||||||N\r"
      "NK1|1|Family{1}^Anton|CHD^Child^HL70063|{1} Hill "
      "Road^^Millbrook^NY^12545^USA^H|^PRN^PH^^1^845^557{5:04}||"
      "C^Emergency Contact^HL70131\r"
      "PV1|1|I|4W^{6}^B^GENERAL|E||ED^1^^GENERAL|77{7}^Novak^Ivana|12345678{7}^Okafor^Nadia||ORT||||7|||"
      "772^Silva^Rui||V{0:08}^^^GENERAL-VISITS^VN|||||||||||||||||||||||||202503021540+0000\r"
      "PV2|||S72^Fracture of femur^I10|||||202503021530|202503100000||8\r"
      "ZPD|1|An administrative remark of the sending system that nobody maps and everybody keeps: ward {6}, "
      "list {7}, "
      "transport ordered, valuables deposited, diet ordered, next of kin informed by telephone\r",
      n, n % 5000, n % 700, 30 + n % 60, 10 + n % 18, n % 10000, 10 + n % 40, n % 10);
  return "\x0b" + text + "\x1c\r";
}

/// About 1.5 kB with the index rows of an ordinary laboratory result.
std::string observation(std::size_t n, std::string const& id, std::size_t patients = kPatients) {
  return fmt::format(
      R"({{"resourceType":"Observation",{0}"status":"final","category":[{{"coding":[{{"system":)"
      R"("http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],)"
      R"("identifier":[{{"system":"urn:oid:1.2.3.4","value":"R{1}"}}],"code":{{"coding":[{{"system":"http://loinc.org",)"
      R"("code":"{2}-7","display":"Analyte {2}"}}]}},"subject":{{"reference":"Patient/p{3}"}},)"
      R"("effectiveDateTime":"2024-03-{4:02}T10:00:00Z","valueQuantity":{{"value":{5}.4,)"
      R"("unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}},"note":[{{"text":"{6}"}}]}})",
      id.empty() ? "" : fmt::format(R"("id":"{}",)", id), n, n % kCodes, n % patients, 1 + n % 28, n % 50,
      std::string(850, 'n'));
}

/// What the created Observations refer to.
std::string put_patient() {
  constexpr std::string_view kPatient = R"({"resourceType":"Patient","id":"p0"})";
  return fmt::format(
      "PUT /fhir/Patient/p0 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n"
      "Content-Length: {}\r\n\r\n{}",
      kPatient.size(), kPatient);
}

std::string post(std::string const& body) {
  return fmt::format(
      "POST /fhir/Observation HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n"
      "Prefer: return=minimal\r\nContent-Length: {}\r\n\r\n{}",
      body.size(), body);
}

std::string get(std::string const& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nAccept: application/fhir+json\r\n\r\n";
}

std::string id_of(std::size_t n) { return fmt::format("o{}", n); }

// --------------------------------------------------------------------------------------- durable paths

struct Durable {
  std::string name;
  std::vector<std::string> requests;
  bool is_mllp = false;
  std::string goal, bar;
  std::string first = {};  ///< Sent before the clock starts.
};

Measured send_all(Folder const& folder, Durable const& path, int clients) {
  folder.clear();
  Server const server(folder, kAnyCore);
  bench::Load load;
  load.port = path.is_mllp ? server.mllp_port() : server.http_port();
  load.connections = clients;
  load.requests = path.requests.size();
  load.request = [&](std::size_t n) { return std::string_view(path.requests[n]); };
  load.answer_size = path.is_mllp ? bench::mllp_answer_size : bench::http_answer_size;
  load.is_good = bench::is_http_success;
  if (path.is_mllp) {
    load.is_good = [](std::string_view answer) { return answer.find("MSA|AA|") != std::string_view::npos; };
  }
  if (!path.first.empty()) {
    auto one = load;
    one.connections = 1;
    one.requests = 1;
    one.request = [&](std::size_t) { return std::string_view(path.first); };
    bench::run(one);
  }
  double const before = server.cpu_seconds();
  auto result = bench::run(load);
  return measured(std::move(result), server.cpu_seconds() - before);
}

void run_durable(Durable path, int clients) {
  Folder const folder;
  if (clients == 1) path.requests.resize(path.requests.size() / 5);
  auto const items = static_cast<double>(path.requests.size());
  send_all(folder, path, clients);  // warm, and the rows for the ceiling
  bench::ReadyRows const rows(folder.database(), path.requests.size() / static_cast<std::size_t>(clients));
  auto const result = bench::compare(
      kRounds, [&] { return send_all(folder, path, clients); },
      [&] {
        double const cpu = bench::thread_cpu_seconds();
        double const seconds = rows.commit_again(folder.path() + "/ceiling.db");
        double const used = bench::thread_cpu_seconds() - cpu;
        return Measured{items / seconds, used * 1e6 / items, 0, 0};
      });
  bench::print_line(fmt::format("{}, {} connections", path.name, clients), result, path.goal, path.bar);
  if (clients == 64) {
    bench::print_note(fmt::format("{} rounds of {} of {} bytes, {:.1f} rows each", kRounds,
                                  path.requests.size(), path.requests.front().size(),
                                  static_cast<double>(rows.rows()) / items));
  }
}

// ------------------------------------------------------------------------------------------- reading paths

/// A store of so many Observations, put there through the store itself.
void fill(Folder const& folder, std::size_t count) {
  auto store = gateway::store::open_sqlite({.path = folder.database()},
                                           [] { return std::int64_t{1'740'000'000'000}; });
  if (!store) throw std::runtime_error(fhir::to_line(store.error()));
  constexpr std::size_t kPerCommit = 1000;
  for (std::size_t from = 0; from < count; from += kPerCommit) {
    auto receipt = (*store)->commit_and_wait([&](gateway::store::Unit& unit) -> fhir::Result<void> {
      for (std::size_t n = from; n < std::min(count, from + kPerCommit); ++n) {
        FHIR_TRY(auto const resource,
                 fhir::json::read(unit.arena().copy(observation(n, id_of(n))), unit.arena()));
        FHIR_CHECK(unit.put(resource, "bench", "POST"));
      }
      return {};
    });
    if (!receipt) throw std::runtime_error(fhir::to_line(receipt.error()));
  }
}

Measured ask(std::uint16_t port, int clients, std::vector<std::string> const& requests, std::size_t count,
             std::function<double()> const& cpu_seconds) {
  bench::Load load;
  load.port = port;
  load.connections = clients;
  load.requests = count;
  load.request = [&](std::size_t n) { return std::string_view(requests[n % requests.size()]); };
  load.answer_size = bench::http_answer_size;
  load.is_good = bench::is_http_success;
  double const before = cpu_seconds();
  auto result = bench::run(load);
  return measured(std::move(result), cpu_seconds() - before);
}

struct Reading {
  std::string name;
  std::vector<std::string> targets;
  std::size_t count;
  std::string goal, bar;
};

void run_reading(Server const& server, Reading const& path, int clients, bench::BareServer::Serve serve) {
  std::vector<std::string> requests;
  for (auto const& target : path.targets) requests.push_back(get(target));
  bench::BareServer const bare(std::move(serve), kServerCore);
  auto const ours = [&] {
    return ask(server.http_port(), clients, requests, path.count, [&] { return server.cpu_seconds(); });
  };
  auto const ceiling = [&] {
    return ask(bare.port(), clients, requests, path.count, [&] { return bare.cpu_seconds(); });
  };
  ours();
  ceiling();
  bench::print_line(fmt::format("{}, {} clients", path.name, clients), bench::compare(kRounds, ours, ceiling),
                    path.goal, path.bar);
}

/// A page read by key: the resource key of each, then its newest version; stitched to a Bundle.
class PageByKey {
 public:
  explicit PageByKey(std::string const& path) {
    sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READONLY, nullptr);
    char const* const select =
        "SELECT content FROM resource_version WHERE resource_key = "
        "(SELECT resource_key FROM resource WHERE type = 'Observation' AND id = ?1) ORDER BY version_id DESC "
        "LIMIT 1";
    if (sqlite3_prepare_v2(database_, select, -1, &select_, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(database_));
    }
  }
  ~PageByKey() {
    sqlite3_finalize(select_);
    sqlite3_close(database_);
  }
  PageByKey(PageByKey const&) = delete;
  PageByKey& operator=(PageByKey const&) = delete;

  /// Matches of one code or patient stand `step` apart.
  std::string operator()(std::size_t first, std::size_t step) {
    std::string page = R"({"resourceType":"Bundle","type":"searchset","entry":[)";
    for (std::size_t n = 0; n < kPage; ++n) {
      auto const id = id_of(first + n * step);
      sqlite3_bind_text(select_, 1, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
      if (sqlite3_step(select_) != SQLITE_ROW) throw std::runtime_error("no " + id);
      page.append(n == 0 ? "" : ",")
          .append(R"({"fullUrl":"http://127.0.0.1:8080/fhir/Observation/)")
          .append(id);
      page.append(R"(","resource":)");
      page.append(reinterpret_cast<char const*>(sqlite3_column_text(select_, 0)),
                  static_cast<std::size_t>(sqlite3_column_bytes(select_, 0)));
      page.append(R"(,"search":{"mode":"match"}})");
      sqlite3_reset(select_);
    }
    return page += "]}";
  }

 private:
  sqlite3* database_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
};

std::size_t number_in(std::string_view target, std::string_view mark) {
  auto const at = target.find(mark);
  return at == std::string_view::npos ? 0 : std::strtoull(target.data() + at + mark.size(), nullptr, 10);
}

void run_readings(std::size_t count) {
  Folder const folder;
  auto const start = bench::Clock::now();
  fill(folder, count);
  bench::print_note(
      fmt::format("a store of {} Observations, made in {:.1f} s", count, bench::seconds_since(start)));
  Server const server(folder, kServerCore);

  std::vector<std::string> ids, codes, patients;
  for (std::size_t n = 0; n < 1000; ++n) ids.push_back("/fhir/Observation/" + id_of(n * 7919 % count));
  for (std::size_t n = 0; n < 100; ++n) {
    codes.push_back(fmt::format("/fhir/Observation?code=http://loinc.org%7C{}-7&_count=10", n * 37 % kCodes));
    patients.push_back(fmt::format("/fhir/Observation?subject=Patient/p{}&_count=10", n * 37 % kPatients));
  }
  auto const body = observation(1, id_of(1));
  for (int const clients : {1, 16}) {
    run_reading(server, {"FHIR read by id", ids, clients == 1 ? 6000u : 20000u, "0.8", "0.5"}, clients,
                [&](std::string_view) { return body; });
  }
  PageByKey page(folder.database());
  std::size_t const searches = 1500;
  run_reading(server, {"search by code, page of 10", codes, searches, "0.5", "p99 <= 10 ms"}, 4,
              [&](std::string_view target) { return page(number_in(target, "%7C"), kCodes); });
  run_reading(server, {"search by subject, page of 10", patients, searches, "0.5", "p99 <= 10 ms"}, 4,
              [&](std::string_view target) { return page(number_in(target, "Patient/p"), kPatients); });
}

}  // namespace

int main(int count_of_arguments, char** arguments) try {
  std::string const only = count_of_arguments > 1 ? arguments[1] : "";
  int const only_clients = count_of_arguments > 2 ? std::atoi(arguments[2]) : 0;
  auto const is_wanted = [&](std::string_view path, int clients) {
    return (only.empty() || only == path) && (only_clients == 0 || only_clients == clients);
  };
  auto const messages = number_from("BENCH_MESSAGES", 1500);
  auto const count = std::max(kPage * kPatients, number_from("BENCH_RESOURCES", 100'000));
  Durable ingest{"MLLP ingest, durable", {}, true, "0.7", "2,500/s"};
  Durable create{"FHIR create", {}, false, "0.7", "0.4", put_patient()};
  for (std::size_t n = 0; n < messages; ++n) {
    ingest.requests.push_back(admission(n));
    create.requests.push_back(post(observation(n, "", 1)));
  }
  for (int const clients : {1, 16, 64}) {
    if (is_wanted("ingest", clients)) run_durable(ingest, clients);
  }
  for (int const clients : {16, 64}) {
    if (is_wanted("create", clients)) run_durable(create, clients);
  }
  if (is_wanted("read", only_clients)) run_readings(count);
} catch (std::exception const& failure) {
  fmt::print(stderr, "server_bench: {}\n", failure.what());
  return 1;
}
