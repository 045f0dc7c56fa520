// https://hl7.org/fhir/R4/resource-operation-validate.html: a resource (the body, the parameter resource, or
// the stored one of the path) against R4, the profiles it claims and the one that is asked for. Mode profile
// judges by that profile what is stored; delete is not judged, for only the record knows what may go.
#include "fhir/json/reader.hpp"
#include "fhir/validate/locate.hpp"
#include "fhir/validate/validator.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/outcome.hpp"
#include "gateway/rest/times.hpp"

#include <algorithm>
#include <deque>
#include <memory>

namespace gateway::rest {

namespace {

using fhir::IssueType;
using fhir::json::Element;

/// What is asked, by the URL and by Parameters.
struct Asked {
  std::string profile;
  std::string mode;
  Element const* resource = nullptr;
  std::size_t index = 0;  ///< Of the parameter that holds the resource.
  bool is_sent = true;    ///< Not what is stored.
};

fhir::Result<void> ask(Asked& asked, std::string_view name, std::string_view value) {
  if (name == "profile") {
    asked.profile = value;
    return {};
  }
  if (name == "mode" && (value == "create" || value == "update" || value == "profile")) {
    asked.mode = value;
    return {};
  }
  return fhir::error(IssueType::not_supported,
                     "$validate knows no " +
                         std::string(name == "mode" ? "mode other than create, update and profile" : name) +
                         " here.",
                     {}, std::string(name));
}

fhir::Result<void> read_parameters(Element const& parameters, Asked& asked) {
  Element const* const list = parameters.find("parameter");
  if (list == nullptr) return {};
  for (std::size_t i = 0; i < list->items().size(); ++i) {
    Element const& parameter = list->items()[i];
    std::string_view const name = parameter.text_at("name");
    if (name == "resource") {
      asked.resource = parameter.find("resource");
      asked.index = i;
      continue;
    }
    for (fhir::json::Member const& member : parameter.members()) {
      if (member.name.starts_with("value")) FHIR_CHECK(ask(asked, name, member.value.text()));
    }
  }
  return {};
}

/// A stored resource as a document, when the client may see it. Errors: not_found, deleted.
fhir::Result<std::shared_ptr<fhir::json::Document const>> read_stored(Context const& context,
                                                                      Request const& request,
                                                                      std::string const& type,
                                                                      std::string const& id) {
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  FHIR_TRY(auto const version, snapshot->find(request.principal.policy, type, id));
  if (!version) return fhir::error(IssueType::not_found, "There is no resource of that type and id.");
  if (version->deleted) return fhir::error(IssueType::deleted, "The resource has been deleted.");
  FHIR_TRY(auto document, fhir::json::read_document(version->content));
  return std::make_shared<fhir::json::Document const>(std::move(document));
}

/// What is to be judged: the body, the body's Parameters.resource, or the stored resource of the path.
fhir::Result<Input> find_subject(Context const& context, Request const& request, Asked& asked) {
  Input input;
  if (!request.body.empty() || request.resource.root != nullptr) {
    FHIR_TRY(input, read_resource(request));
    if (input.root->text_at("resourceType") != "Parameters" || request.type == "Parameters") return input;
    FHIR_CHECK(read_parameters(*input.root, asked));
    input.root = asked.resource;
    if (input.root != nullptr) return input;
  }
  if (request.id.empty())
    return fhir::error(IssueType::required,
                       "$validate needs a resource: the body, or the parameter resource.");
  FHIR_TRY(auto const stored, read_stored(context, request, request.type, request.id));
  asked.is_sent = false;
  return Input{stored, &stored->root};
}

/// Line and column in the body, where it is the body that is judged.
void locate(std::string_view body, Asked const& asked, Element const& subject, fhir::Issues& issues) {
  if (asked.resource != &subject) return fhir::validate::locate(body, issues);
  fhir::Issues in_body = issues;
  for (fhir::Issue& issue : in_body) {
    std::string_view const below = std::string_view(issue.expression)
                                       .substr(std::min(issue.expression.size(), issue.expression.find('.')));
    issue.expression =
        "Parameters.parameter[" + std::to_string(asked.index) + "].resource" + std::string(below);
  }
  fhir::validate::locate(body, in_body);
  for (std::size_t i = 0; i < issues.size(); ++i) issues[i].source = std::move(in_body[i].source);
}

/// Finds what the resource points to among what is stored and the client may see.
class Resolver {
 public:
  Resolver(Context const& context, Request const& request) : context_(context), request_(request) {}

  Element const* find(std::string_view reference) {
    std::size_t const slash = reference.find('/');
    if (slash == std::string_view::npos || reference.find(':') != std::string_view::npos ||
        found_.size() >= kFoundMax)
      return nullptr;
    std::string_view const id = reference.substr(slash + 1);
    auto document = read_stored(context_, request_, std::string(reference.substr(0, slash)),
                                std::string(id.substr(0, id.find('/'))));
    if (!document) return nullptr;
    return &found_.emplace_back(std::move(*document))->root;
  }

 private:
  static constexpr std::size_t kFoundMax = 100;  // reads that one validation may cost
  Context const& context_;
  Request const& request_;
  std::deque<std::shared_ptr<fhir::json::Document const>> found_;
};

}  // namespace

fhir::Result<Answer> validate(Context const& context, Request const& request) {
  Asked asked;
  FHIR_TRY(auto const pairs, fhir::search::parse_pairs(request.query));
  for (auto const& [name, value] : pairs) {
    if (name != "_format" && name != "_pretty") FHIR_CHECK(ask(asked, name, value));
  }
  FHIR_TRY(auto const subject, find_subject(context, request, asked));
  Resolver resolver(context, request);
  auto const conformance = context.definitions->current();
  std::string const now = to_instant(context.clock());
  fhir::validate::Options options;
  if (!asked.profile.empty()) options.profiles.push_back(asked.profile);
  options.codes = conformance->codes.get();
  options.now = now;
  options.resolve = [&](std::string_view reference) { return resolver.find(reference); };
  fhir::Issues issues;
  conformance->validator->validate(*subject.root, options, issues);
  if (asked.is_sent && !request.body.empty()) locate(request.body, asked, *subject.root, issues);
  if (subject.root->text_at("resourceType") != request.type) {
    issues.push_back(
        fhir::error(IssueType::value, "The resource's type must be the one in the URL.", "resourceType"));
  }
  bool const is_sound = !fhir::validate::has_error(issues);
  if (asked.mode == "update" && !request.id.empty() && subject.root->text_at("id") != request.id)
    issues.push_back(
        fhir::error(IssueType::value, "The resource's id must be the one in the URL.", request.type + ".id"));
  if (is_sound && issues.empty()) {
    issues.push_back(
        fhir::Issue{fhir::Severity::information, IssueType::informational, "Nothing is wrong.", "", ""});
  }
  Answer answer;
  answer.body = to_outcome(issues);
  return answer;
}

}  // namespace gateway::rest
