#include "fhir/json/writer.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "gateway/delivery/subscriptions.hpp"
#include "gateway/intake/intake.hpp"
#include "gateway/intake/trace.hpp"
#include "gateway/store/instant.hpp"

#include <iostream>

namespace gateway::command {

namespace {

void print_row(store::JournalRow const& row, bool json) {
  if (!json) {
    std::cout << row.id << "  " << store::to_instant(row.received_ms) << "  " << row.outcome << "  "
              << row.kind << "  " << row.partner << "  " << row.feed << "\n";
    return;
  }
  std::string line =
      "{\"id\":" + std::to_string(row.id) + ",\"received\":\"" + store::to_instant(row.received_ms) + "\"";
  auto const add = [&](char const* name, std::string const& value) {
    line.append(",\"").append(name).append("\":");
    fhir::json::write_string(value, line);
  };
  add("outcome", row.outcome);
  add("kind", row.kind);
  add("partner", row.partner);
  add("feed", row.feed);
  add("tables", row.maps_hash);
  std::cout << line << ",\"issues\":" << (row.issues.empty() ? "[]" : row.issues) << "}\n";
}

/// What fields became, for the operator who asked: it may name a patient.
fhir::Result<void> show_fields(JournalArguments const& arguments, store::Snapshot& snapshot,
                               store::JournalRow const& row) {
  FHIR_TRY(auto const tables, tables_of_view(arguments.config, snapshot));
  intake::TableArchive archive;
  FHIR_TRY(auto const trace, intake::trace_message({snapshot, archive, *tables}, row, arguments.field));
  if (arguments.json) {
    std::cout << intake::to_json(trace) << "\n";
    return {};
  }
  if (!trace.exact) std::cout << "(read by today's tables: those that translated it are not kept)\n";
  for (intake::TracedField const& field : trace.fields) {
    std::cout << field.v2 << " " << field.end;
    if (!field.reason.empty()) std::cout << " " << field.reason;
    if (!field.path.empty())
      std::cout << " -> " << field.reference << " " << field.path << " (" << field.row << ") "
                << (field.stands ? "stands" : "superseded");
    if (!field.value.empty()) std::cout << " " << field.value;
    std::cout << "\n";
  }
  return {};
}

fhir::Result<void> show(JournalArguments const& arguments) {
  FHIR_TRY(auto const snapshot, open_view(arguments.config));
  FHIR_TRY(auto const row, snapshot->find_journal(arguments.id));
  if (!row) return fhir::error(fhir::IssueType::not_found, "the journal has no row of that number");
  if (!arguments.field.empty()) return show_fields(arguments, *snapshot, *row);
  print_row(*row, false);
  std::cout << "tables  " << row->maps_hash << "\nsha256  " << row->content_hash << "\nissues  "
            << row->issues << "\n";
  if (arguments.raw) {
    std::string text = row->raw;
    for (char& c : text) {
      if (c == '\r') c = '\n';
      auto const byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\n') || byte == 0x7f) c = '.';  // ESC and its like would drive the terminal
    }
    std::cout << "\n" << text << "\n";
  }
  return {};
}

/// Writes nothing; works beside a running gateway.
fhir::Result<void> diff(JournalArguments const& arguments) {
  FHIR_TRY(auto const snapshot, open_view(arguments.config));
  FHIR_TRY(auto const tables, tables_of_view(arguments.config, *snapshot));
  intake::TableArchive archive;
  std::vector<store::JournalRow> rows;
  if (arguments.id != 0) {
    FHIR_TRY(auto row, snapshot->find_journal(arguments.id));
    if (!row) return fhir::error(fhir::IssueType::not_found, "the journal has no row of that number");
    rows.push_back(std::move(*row));
  } else {
    FHIR_TRY(rows, snapshot->list_journal(0, arguments.count, ""));
  }
  std::size_t changed = 0;
  for (store::JournalRow const& row : rows) {
    if (row.format != "hl7v2") continue;
    auto const comparison = intake::compare({*snapshot, archive, *tables}, row);
    if (!comparison) {
      if (arguments.id != 0) return comparison.error();
      continue;  // bytes that are no message: no table changes that
    }
    bool const differs =
        !comparison->differences.empty() || comparison->refused_before != comparison->refused_after;
    if (differs) ++changed;
    if (arguments.json) {
      std::cout << intake::to_json(*comparison, row.id) << "\n";
      continue;
    }
    if (!differs) continue;
    std::cout << row.id << "  " << row.kind << "  tables " << comparison->tables_before << " -> "
              << comparison->tables_after << (comparison->exact ? "" : "  (the old ones are not kept)")
              << "\n";
    if (comparison->refused_before != comparison->refused_after)
      std::cout << "  refused: '" << comparison->refused_before << "' -> '" << comparison->refused_after
                << "'\n";
    for (intake::Difference const& one : comparison->differences)
      std::cout << "  " << one.path << ": " << (one.before.empty() ? "nothing" : one.before) << " -> "
                << (one.after.empty() ? "nothing" : one.after) << "\n";
  }
  if (!arguments.json) std::cout << changed << " of " << rows.size() << " messages would change\n";
  return {};
}

fhir::Result<void> list(JournalArguments const& arguments) {
  FHIR_TRY(auto const snapshot, open_view(arguments.config));
  FHIR_TRY(auto const rows, snapshot->list_journal(0, arguments.count, arguments.outcome));
  for (store::JournalRow const& row : rows) print_row(row, arguments.json);
  return {};
}

/// Does `work` with an Intake over the store, which no other process may have open for writing.
template <class Work>
fhir::Result<void> with_intake(std::string const& config, Work const& work) {
  FHIR_TRY(auto setup, make_setup(config));
  delivery::Subscriptions subscriptions;
  FHIR_CHECK(subscriptions.reload(*setup.store));
  intake::Intake intake({.store = *setup.store,
                         .tables = setup.tables,
                         .clock = setup.clock,
                         .subscriptions = subscriptions,
                         .loopback_hooks = setup.settings.loopback_hooks});
  return work(intake);
}

fhir::Result<void> replay(JournalArguments const& arguments) {
  std::size_t changed = 0;
  FHIR_CHECK(with_intake(arguments.config, [&](intake::Intake& intake) -> fhir::Result<void> {
    FHIR_TRY(changed, intake.replay(arguments.id));
    return {};
  }));
  std::cout << "accepted";
  if (changed > 0) std::cout << ", " << changed << " resources changed";
  std::cout << "\n";
  return {};
}

fhir::Result<void> settle(JournalArguments const& arguments, std::string_view how) {
  record::Settlement const settlement{std::string(how), arguments.reason, arguments.by, {}};
  FHIR_CHECK(with_intake(arguments.config, [&](intake::Intake& intake) {
    return intake.settle_conflict(arguments.id, settlement);
  }));
  std::cout << how << "\n";
  return {};
}

}  // namespace

int journal_list(JournalArguments const& arguments) { return code_of(list(arguments), arguments.json); }
int journal_show(JournalArguments const& arguments) { return code_of(show(arguments), arguments.json); }
int journal_replay(JournalArguments const& arguments) {
  if (!arguments.diff && arguments.id == 0) {
    print({fhir::error(fhir::IssueType::required, "say which message: journal replay N", {}, "id")},
          arguments.json);
    return kWrongUsage;
  }
  return code_of(arguments.diff ? diff(arguments) : replay(arguments), arguments.json);
}
int journal_accept(JournalArguments const& arguments) {
  return code_of(settle(arguments, record::work::accepted), arguments.json);
}
int journal_dismiss(JournalArguments const& arguments) {
  return code_of(settle(arguments, record::work::dismissed), arguments.json);
}

}  // namespace gateway::command
