"""A script that notes every breach of the Content-Security-Policy."""

# Filled before anything else of the page runs.
REPORTS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile }) =>
  violations.push([violatedDirective, blockedURI, sourceFile].join(" ")));
"""
