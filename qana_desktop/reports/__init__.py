"""What leaves the clinic: de-identified images, archives of cases, tables of readings."""
