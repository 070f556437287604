librop_a_SOURCES +=
