"""The certificate of a class that other machines reach."""

from workbook.base.paths import home
from workbook.base.processes import run

DAYS = 30


def certificate(host: str) -> dict[str, str]:
    """Return the files `tls.crt` and `tls.key` for a host: yours from the workbook's folder `class`, or a self-signed one.

    Browsers warn of the latter. To use another one, write both files to that folder, which the first call prints.

    Raises:
        WorkbookError: openssl is not installed.

    Documentation: https://docs.openssl.org/master/man1/openssl-req/
    """
    folder = home() / "class" / host
    certificate, key = folder / "tls.crt", folder / "tls.key"
    if not (certificate.exists() and key.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        kind = "IP" if host.replace(".", "").isdecimal() else "DNS"
        words = ["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", str(DAYS), "-subj", f"/CN={host}"]
        words += ["-addext", f"subjectAltName={kind}:{host}", "-keyout", str(key), "-out", str(certificate)]
        run(["openssl", *words], fix="Install openssl, or bring a certificate.")
        print(f"Browsers warn of this certificate. To use another one, replace tls.crt and tls.key in {folder}.")
    return {path.name: path.read_text(encoding="utf-8") for path in (certificate, key)}
