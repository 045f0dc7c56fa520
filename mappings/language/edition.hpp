/// What a message must look like for its receiver: its version's fields, types and lengths by the dictionary,
/// its profile's times. Positions never move between versions; types do (design translation.md 3.8). Internal
/// to this room.
#pragma once

#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/language/partner_profile.hpp"
#include "mappings/language/translator.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mappings::language {

/// The version to write a structure in: the partner's, else the lowest that has the structure.
/// Error not_supported: no version has it, or the profile takes no other version than its own.
fhir::Result<hl7v2::Version> version_to_write(PartnerProfile const& partner, std::string_view structure);

/// Fits segments of an image to one version and partner. Whatever has to go for that is told by a loss note.
class Edition {
 public:
  Edition(hl7v2::Version version, PartnerProfile const& partner, hl7v2::Image& image,
          std::vector<LossNote>& loss);

  /// Whether a segment may be written: the version has it, or the partner passes over what is newer; own ones
  /// (Z..) are every version's.
  bool has_segment(std::string_view id) const;
  /// Every field as this version has it: none at all, fewer repetitions, components and subcomponents, other
  /// types, shorter values. Fields that `known` (a segment of `seed`) holds byte for byte stay as they are.
  void fit(std::size_t segment, hl7v2::Message const* seed = nullptr, std::uint32_t known = 0);
  void note_segment(std::string_view id);

 private:
  void fit_field(std::size_t segment, std::uint16_t field, hl7v2::FieldDefinition const* definition);
  std::string_view type_of_value(std::size_t segment, std::uint16_t field,
                                 hl7v2::FieldDefinition const& definition);
  void write_out_numbers(std::size_t segment);
  bool needs_nothing(std::string_view raw, std::string_view type) const;
  bool needs_nothing_once(std::string_view raw, std::string_view type) const;
  bool has_fitting_subcomponents(std::string_view part, std::string_view type, std::size_t component) const;
  std::string fit_value(std::string_view raw, std::string_view type, std::string const& place);
  std::string fit_leaf(std::string_view raw, std::string_view type, std::string const& place);
  std::string fit_time(std::string_view dtm, std::string_view type, std::string const& place);
  void limit_length(std::string& raw, std::string const& place, std::string_view type,
                    hl7v2::FieldDefinition const& field);
  void limit_component(std::string& raw, LengthLimit const& to, std::string_view type,
                       hl7v2::FieldDefinition const& field);
  std::optional<std::size_t> longest_words(std::vector<std::string> const& parts, std::string_view type,
                                           hl7v2::FieldDefinition const& field) const;
  void lose(std::string place, std::string_view why);

  hl7v2::Version version_;
  PartnerProfile const& partner_;
  hl7v2::Image& image_;
  std::vector<LossNote>& loss_;
  bool plain_times_;  // no rule touches points in time
};

}  // namespace mappings::language
