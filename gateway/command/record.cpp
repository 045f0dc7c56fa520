#include "gateway/record/record.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "gateway/delivery/subscriptions.hpp"
#include "gateway/record/work_item.hpp"
#include "gateway/store/instant.hpp"

#include <iostream>

namespace gateway::command {

namespace {

using Reader = fhir::Result<fhir::json::Document> (*)(store::Snapshot&, store::AccessPolicy const&,
                                                      std::string_view, std::int64_t);

fhir::Result<void> print_record(RecordArguments const& arguments, Reader read) {
  FHIR_TRY(auto const snapshot, open_view(arguments.config));
  FHIR_TRY(auto const document, read(*snapshot, store::AccessPolicy::all(), arguments.id, wall_clock()()));
  std::cout << fhir::json::write(document.root) << "\n";
  return {};
}

int print_or_refuse(RecordArguments const& arguments, Reader read) {
  return code_of(print_record(arguments, read));
}

/// Commits what `work` does with the orphan, and what subscribers must hear of it.
template <class Work>
int settle(RecordArguments const& arguments, Work const& work) {
  auto const commit = [&]() -> fhir::Result<void> {
    FHIR_TRY(auto const setup, make_setup(arguments.config));
    delivery::Subscriptions subscriptions;
    FHIR_CHECK(subscriptions.reload(*setup.store));
    record::Settlement const how{std::string(record::work::dismissed), arguments.reason, arguments.by, {}};
    FHIR_CHECK(setup.store->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      FHIR_CHECK(work(unit, setup.tables->current()->partners->site(), how));
      return subscriptions.notify(unit);
    }));
    std::cout << "done\n";
    return {};
  };
  return code_of(commit());
}

}  // namespace

int record_referral(RecordArguments const& arguments) {
  return print_or_refuse(arguments, record::referral_record);
}
int record_transition(RecordArguments const& arguments) {
  return print_or_refuse(arguments, record::transition_record);
}

int record_orphans(RecordArguments const& arguments) {
  auto const list = [&]() -> fhir::Result<void> {
    FHIR_TRY(auto const snapshot, open_view(arguments.config));
    FHIR_TRY(auto const rows, store::open_records(*snapshot, record::work::orphan));
    for (store::RecordRow const& row : rows) {
      FHIR_TRY(auto const body, fhir::json::read_document(row.body));
      std::cout << row.record_id << "  due " << store::to_instant(row.due_ms) << "  " << row.owner << "  "
                << body.root.text_at("origin") << " " << body.root.text_at("message") << "  "
                << body.root.text_at("subject") << "  " << body.root.text_at("reason") << "\n";
    }
    return {};
  };
  return code_of(list());
}

int record_attach(RecordArguments const& arguments) {
  return settle(arguments, [&](store::Unit& unit, record::Site const& site, record::Settlement const& how) {
    return record::attach_orphan(unit, site, arguments.id, arguments.target, how);
  });
}

int record_dismiss(RecordArguments const& arguments) {
  return settle(arguments, [&](store::Unit& unit, record::Site const& site, record::Settlement const& how) {
    auto const cause = record::operator_cause(unit, "record dismiss", how.by);
    return record::settle_work_item(unit, cause, site, arguments.id, how);
  });
}

int record_rebuild(RecordArguments const& arguments) {
  auto const setup = make_setup(arguments.config);
  if (!setup) {
    print({setup.error()});
    return kRefused;
  }
  fhir::Issues const differences = record::rebuild(*setup->store);
  print(differences);
  std::cout << (differences.empty() ? "every record is what its log says\n"
                                    : "records that differed were written anew\n");
  return differences.empty() ? kDone : kRefused;
}

}  // namespace gateway::command
