/// The three acts: a referral from the practice to the clinic, one the other way, and a hospital stay.
#pragma once

#include "examples/story/stage.hpp"

namespace story {

/// Riverside's own data that every act needs: organizations, the doctor, the patient, the notices it
/// subscribes to.
struct Practice {
  std::string patient;  ///< "Patient/..."
};
Practice set_up_practice(Stage& stage);

void refer_to_clinic(Stage& stage, Practice const& practice);
void refer_from_clinic(Stage& stage, Practice const& practice);
void stay_in_hospital(Stage& stage, Practice const& practice);

}  // namespace story
