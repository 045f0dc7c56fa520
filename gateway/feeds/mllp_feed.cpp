#include "gateway/feeds/mllp_feed.hpp"

#include <boost/system/system_error.hpp>

namespace gateway::feeds {

namespace {

boost::asio::awaitable<net::MllpReply> answer(intake::Intake* intake, std::string feed,
                                              std::vector<std::string> partners, net::MllpPeer peer,
                                              net::MllpFrame frame) {
  intake::Envelope envelope;
  envelope.bytes = std::move(frame.payload);
  envelope.feed = std::move(feed);
  envelope.partners = std::move(partners);
  envelope.certificate_name = std::move(peer.certificate_name);
  envelope.damaged = frame.damaged;
  envelope.warnings = std::move(frame.issues);
  net::MllpReply reply;
  reply.frames = co_await intake->accept_v2(std::move(envelope));
  co_return reply;
}

}  // namespace

std::string feed_name(config::MllpListenerSettings const& settings) { return "mllp:" + settings.name; }

fhir::Result<std::unique_ptr<MllpFeed>> MllpFeed::open(net::Runtime& runtime,
                                                       config::MllpListenerSettings const& settings,
                                                       intake::Intake& intake) {
  std::unique_ptr<MllpFeed> feed(new MllpFeed);
  feed->name_ = settings.name;
  if (!settings.tls.certificate.empty()) {
    FHIR_TRY(feed->tls_, net::TlsContext::server({.certificate = settings.tls.certificate,
                                                  .private_key = settings.tls.key,
                                                  .client_ca = settings.tls.ca,
                                                  .crl = settings.tls.crl}));
  }
  net::MllpListenerOptions options;
  options.address = settings.listen.host;
  options.port = settings.listen.port;
  options.tls = feed->tls_;
  options.framing = settings.strict_framing ? net::Framing::strict : net::Framing::lenient;
  auto handler = [intake = &intake, name = feed_name(settings), partners = settings.partners](
                     net::MllpPeer peer, net::MllpFrame frame) {
    return answer(intake, name, partners, std::move(peer), std::move(frame));
  };
  try {
    feed->listener_ = std::make_unique<net::MllpListener>(runtime, std::move(options), std::move(handler));
  } catch (boost::system::system_error const& cannot) {
    return fhir::error(fhir::IssueType::exception,
                       "cannot listen on " + settings.listen.host + ":" +
                           std::to_string(settings.listen.port) + ": " + cannot.code().message(),
                       {}, "mllp " + settings.name);
  }
  return feed;
}

fhir::Result<void> MllpFeed::reload() {
  if (tls_) return tls_->reload();
  return {};
}

}  // namespace gateway::feeds
