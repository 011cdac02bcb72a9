"""Values and rules of triage, pure: no Qt, no SQL, no device. What a reading is and how it is judged."""
