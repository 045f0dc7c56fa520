/// The command line of Handoff; what each command does stands in command/.
#include "gateway/command/commands.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace {

using namespace gateway::command;

void add_serve(CLI::App& app, int& code) {
  auto* const command = app.add_subcommand("serve", "Run the gateway");
  auto arguments = std::make_shared<ServeArguments>();
  command->add_option("--config", arguments->config,
                      "handoff.yaml; without it: ./handoff.db, loopback ports 8080 and 2575");
  command->callback([arguments, &code] { code = serve(*arguments); });
}

void add_convert(CLI::App& app, int& code) {
  auto* const command =
      app.add_subcommand("convert", "Translate without a server; stdin and stdout by default");
  auto arguments = std::make_shared<ConvertArguments>();
  command->add_option("--from", arguments->from)->required()->check(CLI::IsMember({"hl7v2", "fhir"}));
  command->add_option("--to", arguments->to)->required()->check(CLI::IsMember({"hl7v2", "fhir"}));
  command->add_option("--config", arguments->config, "handoff.yaml with the partner's profile");
  command->add_option("--partner", arguments->partner, "Whose dialect, version and ids");
  command->add_option("--overlay", arguments->overlays, "A partner's own rows")->allow_extra_args(false);
  command->add_option("--event", arguments->event, "What to write, e.g. RRI^I12");
  command->add_option("--structure", arguments->structure, "Its structure, e.g. RRI_I12");
  command
      ->add_option("--bundle", arguments->bundle, "Of FHIR: a collection, or a message under a MessageHeader")
      ->check(CLI::IsMember({"collection", "message"}));
  command->add_option("--complement", arguments->complement, "A v2 message to lay the output over");
  command->add_option("--fact", arguments->facts, "What FHIR does not hold, e.g. order.control=NW")
      ->allow_extra_args(false);
  command->add_flag("--explain", arguments->explain, "Which field and row gave each element, on stderr");
  command->add_option("--loss", arguments->loss, "Write the loss report there, as JSON");
  command->add_flag("--json", arguments->json, "Reasons as JSON");
  command->add_option("files", arguments->files);
  command->callback([arguments, &code] { code = convert(*arguments); });
}

void add_maps(CLI::App& app, int& code) {
  auto* const maps = app.add_subcommand("maps", "The mapping tables");
  maps->require_subcommand(1);
  auto arguments = std::make_shared<MapsArguments>();
  auto* const check = maps->add_subcommand("check", "Compile all tables and prove what can be proved");
  check->add_option("--overlay", arguments->overlays, "A partner's own rows");
  check->add_flag("--json", arguments->json);
  check->callback([arguments, &code] { code = maps_check(*arguments); });
  auto* const coverage = maps->add_subcommand("coverage", "Compare all tables with those HL7 publishes");
  coverage->add_option("--official", arguments->official, "Folder of the published sheets")
      ->capture_default_str();
  coverage->add_option("--only", arguments->only, "Only sheets like this: 'segment PV1*'");
  coverage->add_option("--overlay", arguments->overlays, "A partner's own rows");
  coverage->add_flag("--missing", arguments->missing, "List the published rows that nobody accounts for");
  coverage->add_flag("--reasons", arguments->reasons,
                     "List the rows that deviate or are out of scope, with why");
  coverage->add_flag("--covered", arguments->covered, "List the covered rows, each with ours");
  coverage->callback([arguments, &code] { code = maps_coverage(*arguments); });
  auto* const show = maps->add_subcommand("show", "One row's story");
  show->add_option("row", arguments->row)->required();
  show->callback([arguments, &code] { code = maps_show(*arguments); });
}

/// Who decided, and why: kept with what was decided.
void add_settlement(CLI::App& command, std::string& reason, std::string& by) {
  command.add_option("--reason", reason, "Why; kept with the decision")->required();
  command.add_option("--by", by, "Who decided")->required();
}

void add_journal(CLI::App& app, int& code) {
  auto* const journal = app.add_subcommand("journal", "Received messages and what became of them");
  journal->require_subcommand(1);
  auto arguments = std::make_shared<JournalArguments>();
  auto* const list = journal->add_subcommand("list", "Newest first");
  list->add_option("--outcome", arguments->outcome)
      ->check(CLI::IsMember({"accepted", "error", "refused", "conflict", "dismissed", "link"}));
  list->add_option("--count", arguments->count);
  list->add_flag("--json", arguments->json);
  auto* const show = journal->add_subcommand("show", "One row");
  show->add_option("id", arguments->id)->required();
  show->add_flag("--raw", arguments->raw, "The message's bytes as well: they name a patient");
  show->add_option("--field", arguments->field, "What this field became, e.g. PID-5: it names a patient");
  show->add_flag("--json", arguments->json);
  auto* const replay =
      journal->add_subcommand("replay", "Take a kept message in again, e.g. after a table was mended");
  replay->add_option("id", arguments->id);
  replay->add_flag("--diff", arguments->diff,
                   "Show what the tables would change now, write nothing; without id: the newest messages");
  replay->add_option("--count", arguments->count, "Of --diff: how many");
  replay->add_flag("--json", arguments->json);
  auto* const accept = journal->add_subcommand("accept", "Take a conflict in as a new message");
  auto* const dismiss = journal->add_subcommand("dismiss", "Leave a conflict out for good");
  for (auto* const command : {accept, dismiss}) {
    command->add_option("id", arguments->id)->required();
    add_settlement(*command, arguments->reason, arguments->by);
  }
  for (auto* const command : {list, show, replay, accept, dismiss})
    command->add_option("--config", arguments->config);
  list->callback([arguments, &code] { code = journal_list(*arguments); });
  show->callback([arguments, &code] { code = journal_show(*arguments); });
  replay->callback([arguments, &code] { code = journal_replay(*arguments); });
  accept->callback([arguments, &code] { code = journal_accept(*arguments); });
  dismiss->callback([arguments, &code] { code = journal_dismiss(*arguments); });
}

void add_record(CLI::App& app, int& code) {
  auto* const record = app.add_subcommand("record", "The single record as text");
  record->require_subcommand(0, 1);
  auto arguments = std::make_shared<RecordArguments>();
  auto rebuild = std::make_shared<bool>(false);
  record->add_option("--config", arguments->config);
  record->add_flag("--rebuild", *rebuild, "Replay the log into the fold tables");
  auto* const referral = record->add_subcommand("referral", "By ServiceRequest id");
  referral->add_option("id", arguments->id)->required();
  auto* const transition = record->add_subcommand("transition", "By Encounter id");
  transition->add_option("id", arguments->id)->required();
  auto* const orphans = record->add_subcommand("orphans", "What belongs to no record and waits for a person");
  auto* const attach = record->add_subcommand("attach", "Say to which record an orphan belongs");
  attach->add_option("orphan", arguments->id)->required();
  attach->add_option("target", arguments->target, "ServiceRequest/x or Encounter/x")->required();
  auto* const dismiss = record->add_subcommand("dismiss", "Say that an orphan belongs nowhere");
  dismiss->add_option("orphan", arguments->id)->required();
  for (auto* const command : {attach, dismiss}) add_settlement(*command, arguments->reason, arguments->by);
  for (auto* const command : {referral, transition, orphans, attach, dismiss})
    command->fallthrough();  // --config may stand behind the id
  record->callback([=, &code] {
    if (referral->parsed()) {
      code = record_referral(*arguments);
    } else if (transition->parsed()) {
      code = record_transition(*arguments);
    } else if (orphans->parsed()) {
      code = record_orphans(*arguments);
    } else if (attach->parsed()) {
      code = record_attach(*arguments);
    } else if (dismiss->parsed()) {
      code = record_dismiss(*arguments);
    } else if (*rebuild) {
      code = record_rebuild(*arguments);
    } else {
      std::cerr << "record: referral ID, transition ID, orphans, attach ORPHAN TARGET, dismiss ORPHAN or "
                   "--rebuild\n";
      code = kWrongUsage;
    }
  });
}

void add_outbox(CLI::App& app, int& code) {
  auto* const outbox = app.add_subcommand("outbox", "What goes out and has not arrived yet");
  outbox->require_subcommand(1);
  auto arguments = std::make_shared<OutboxArguments>();
  auto* const list = outbox->add_subcommand("list", "By destination, in the order in which it goes");
  list->add_option("--count", arguments->count, "Rows per destination");
  auto* const retry = outbox->add_subcommand("retry", "Send a stopped row again");
  auto* const cancel =
      outbox->add_subcommand("cancel", "Give a stopped row up; what waits behind it goes on");
  for (auto* const command : {retry, cancel}) command->add_option("id", arguments->id)->required();
  for (auto* const command : {list, retry, cancel}) command->add_option("--config", arguments->config);
  list->callback([arguments, &code] { code = outbox_list(*arguments); });
  retry->callback([arguments, &code] { code = outbox_retry(*arguments); });
  cancel->callback([arguments, &code] { code = outbox_cancel(*arguments); });
}

void add_terminology(CLI::App& app, int& code) {
  auto* const terminology = app.add_subcommand("terminology", "Code systems of your own release files");
  terminology->require_subcommand(1);
  auto arguments = std::make_shared<TerminologyArguments>();
  auto* const import = terminology->add_subcommand("import", "Read a release into an index for the gateway");
  import->add_option("release", arguments->release)
      ->required()
      ->check(CLI::IsMember({"snomed", "loinc", "rxnorm"}));
  import->add_option("folder", arguments->folder, "The unpacked release, or its table")->required();
  import->add_option("--index", arguments->index, "The file to write")->required();
  import->add_option("--version", arguments->version, "Where the files do not say it");
  import->callback([arguments, &code] { code = terminology_import(*arguments); });
}

void add_rest(CLI::App& app, int& code) {
  auto asked = std::make_shared<FhirpathArguments>();
  auto* const path = app.add_subcommand("fhirpath", "Evaluate a FHIRPath expression on a resource");
  path->add_option("expression", asked->expression)->required();
  path->add_option("file", asked->file, "A resource in JSON or XML; stdin by default");
  path->add_option("--package", asked->packages, "File of a FHIR package (.tgz); what it depends on first")
      ->allow_extra_args(false);
  path->add_flag("--json", asked->json, "Reasons as JSON");
  path->callback([asked, &code] { code = fhirpath(*asked); });
  auto judged = std::make_shared<ValidateArguments>();
  auto* const check = app.add_subcommand(
      "validate",
      "Check FHIR resources by R4 and profiles, HL7 v2 messages by the dictionary of their version");
  check->add_option("files", judged->files, "Resources in JSON or XML, or HL7 v2 messages")->required();
  check->add_option("--profile", judged->profiles, "Canonical url of a profile that each resource must fit")
      ->allow_extra_args(false);
  check->add_option("--package", judged->packages, "File of a FHIR package (.tgz); what it depends on first")
      ->allow_extra_args(false);
  check->add_flag("--strict", judged->strict, "Unknown extensions and wrong displays are errors");
  check->callback([judged, &code] { code = validate(*judged); });
  auto config = std::make_shared<std::string>();
  auto* const examine = app.add_subcommand("doctor", "Check configuration, tables and the whole store");
  examine->add_option("--config", *config);
  examine->callback([config, &code] { code = doctor(*config); });
  app.add_subcommand("version", "Print the version")->callback([] {
    std::cout << "handoff " HANDOFF_VERSION "\n";
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Handoff: a FHIR R4 and HL7 v2 gateway for referrals and transitions of care");
  app.require_subcommand(1);
  int code = kDone;
  add_serve(app, code);
  add_convert(app, code);
  add_maps(app, code);
  add_journal(app, code);
  add_record(app, code);
  add_outbox(app, code);
  add_terminology(app, code);
  add_rest(app, code);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return app.exit(error) == 0 ? kDone : kWrongUsage;
  } catch (std::exception const& error) {
    std::cerr << "handoff: " << error.what() << "\n";
    return kRefused;
  }
  return code;
}
