#include "gateway/rest/bundle.hpp"

#include "fhir/json/writer.hpp"
#include "gateway/rest/etag.hpp"
#include "gateway/rest/outcome.hpp"
#include "gateway/rest/times.hpp"

namespace gateway::rest {

namespace {

void add_text(std::string_view name, std::string_view text, std::string& out) {
  out += '"';
  out += name;
  out += "\":";
  fhir::json::write_string(text, out);
}

/// The verb that history shows. What came in by another door than HTTP was a create or an update all the
/// same.
std::string_view verb_of(store::Version const& version) {
  if (version.deleted) return "DELETE";
  if (version.interaction == "POST" || version.interaction == "PUT") return version.interaction;
  return version.version_id == 1 ? "POST" : "PUT";
}

std::string_view status_of_verb(std::string_view verb, std::int64_t version_id) {
  if (verb == "DELETE") return "204 No Content";
  return version_id == 1 || verb == "POST" ? "201 Created" : "200 OK";
}

std::string status_line(int status) {
  return std::to_string(status) + ' ' + std::string(net::reason_phrase(status));
}

}  // namespace

BundleWriter::BundleWriter(std::string_view type, std::string_view base_url) : base_url_(base_url) {
  out_ = R"({"resourceType":"Bundle",)";
  add_text("type", type, out_);
}

void BundleWriter::total(std::int64_t count) { out_ += ",\"total\":" + std::to_string(count); }

void BundleWriter::link(std::string_view relation, std::string_view url) {
  out_ += part_ == Part::links ? ",{" : ",\"link\":[{";
  part_ = Part::links;
  add_text("relation", relation, out_);
  out_ += ',';
  add_text("url", url, out_);
  out_ += '}';
}

void BundleWriter::open_entry() {
  if (part_ == Part::links) out_ += ']';
  out_ += part_ == Part::entries ? ",{" : ",\"entry\":[{";
  part_ = Part::entries;
}

void BundleWriter::add_match(store::Version const& version, std::string_view body, std::string_view mode) {
  open_entry();
  add_text("fullUrl", std::string(base_url_) + '/' + version.type + '/' + version.id, out_);
  out_ += ",\"resource\":";
  out_ += body;
  out_ += ",\"search\":{";
  add_text("mode", mode, out_);
  out_ += "}}";
}

void BundleWriter::add_outcome(fhir::Issues const& issues) {
  open_entry();
  out_ += "\"resource\":" + to_outcome(issues) + R"(,"search":{"mode":"outcome"}})";
}

void BundleWriter::add_history(store::Version const& version, std::string_view body) {
  std::string_view const verb = verb_of(version);
  std::string const where = version.type + '/' + version.id;
  open_entry();
  add_text("fullUrl", std::string(base_url_) + '/' + where, out_);
  if (!version.deleted) {
    out_ += ",\"resource\":";
    out_ += body;
  }
  out_ += ",\"request\":{";
  add_text("method", verb, out_);
  out_ += ',';
  add_text("url", verb == "POST" ? version.type : where, out_);
  out_ += "},\"response\":{";
  add_text("status", status_of_verb(verb, version.version_id), out_);
  out_ += ',';
  add_text("etag", to_etag(version.version_id), out_);
  out_ += ',';
  add_text("lastModified", to_instant(version.last_updated_ms), out_);
  out_ += "}}";
}

void BundleWriter::add_response(Answer const& answer) {
  bool const failed = answer.status >= 400;
  open_entry();
  if (!failed && !answer.body.empty()) out_ += "\"resource\":" + answer.body + ',';
  out_ += "\"response\":{";
  add_text("status", status_line(answer.status), out_);
  if (!answer.location.empty()) {
    out_ += ',';
    add_text("location", answer.location, out_);
  }
  if (answer.version_id != 0) {
    out_ += ',';
    add_text("etag", to_etag(answer.version_id), out_);
  }
  if (answer.last_updated_ms != 0) {
    out_ += ',';
    add_text("lastModified", to_instant(answer.last_updated_ms), out_);
  }
  if (failed && !answer.body.empty()) out_ += ",\"outcome\":" + answer.body;
  out_ += "}}";
}

std::string BundleWriter::finish() {
  if (part_ != Part::head) out_ += ']';
  return std::move(out_) + '}';
}

}  // namespace gateway::rest
