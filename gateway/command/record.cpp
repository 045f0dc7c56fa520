#include "gateway/record/record.hpp"

#include "fhir/json/writer.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"

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
  auto const done = print_record(arguments, read);
  if (done) return kDone;
  print({done.error()});
  return kRefused;
}

}  // namespace

int record_referral(RecordArguments const& arguments) {
  return print_or_refuse(arguments, record::referral_record);
}
int record_transition(RecordArguments const& arguments) {
  return print_or_refuse(arguments, record::transition_record);
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
