for (const input of document.querySelectorAll("[data-name]")) {
  const bytes = Uint8Array.from(atob(input.getAttribute("value")), (byte) => byte.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], input.dataset.name, input.dataset));
  input.files = files.files;
}
