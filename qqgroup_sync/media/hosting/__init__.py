"""Where files can lie so that QQ can fetch them."""
